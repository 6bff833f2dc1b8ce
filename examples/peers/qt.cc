/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The conversation of ours.c with QSharedMemory of Qt 6. A reference is the path of a file. Debian
 * 12 builds Qt for System V only, with the key ftok(PATH, 'Q'). Qt cannot destroy a segment: it
 * goes with the last process that detaches from it.
 *
 *     c++ -fPIC -o qt qt.cc $(pkg-config --cflags --libs Qt6Core)
 */
#include <QSharedMemory>
#include <QString>
#include <cstring>
#include <iostream>
#include <string>

static QSharedMemory shm;

static std::string
obey(const std::string &command, const std::string &argument)
{
    bool done = true;

    if (command == "create" || command == "open")
        shm.setNativeKey(QString::fromStdString(argument));
    if (command == "create")
        done = shm.create(4096);
    else if (command == "open")
        done = shm.attach();
    else if (command == "write")
        std::strcpy(static_cast<char *>(shm.data()), argument.c_str());
    else if (command == "read")
        return static_cast<const char *>(shm.constData());
    else
        done = command == "close" && shm.detach();
    return done ? "ok" : "no";
}

int
main()
{
    std::string line;

    while (std::getline(std::cin, line)) {
        const size_t blank = line.find(' ');

        std::cout << obey(line.substr(0, blank), blank == line.npos ? "" : line.substr(blank + 1))
                  << std::endl;
    }
}
