/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The conversation of ours.c with Boost.Interprocess. "boost posix" uses shared_memory_object, and
 * a reference is a name of shm_open without its slash. "boost sysv" uses xsi_shared_memory, and a
 * reference is the path of a file, whose key is ftok(PATH, 1).
 *
 *     c++ -o boost boost.cc
 */
#include <boost/interprocess/mapped_region.hpp>
#include <boost/interprocess/shared_memory_object.hpp>
#include <boost/interprocess/xsi_shared_memory.hpp>
#include <cstring>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>

using namespace boost::interprocess;

struct peer {
    std::string                    reference;
    std::unique_ptr<mapped_region> region;

    virtual ~peer() = default;
    virtual void create() = 0;
    virtual void open() = 0;
    virtual bool destroy() = 0;
    char *
    text()
    {
        return static_cast<char *>(region->get_address());
    }
};

struct posix_peer : peer {
    void
    map(shared_memory_object &shm)
    {
        region.reset(new mapped_region(shm, read_write));
    }
    void
    create() override
    {
        shared_memory_object shm(create_only, reference.c_str(), read_write);

        shm.truncate(4096);
        map(shm);
    }
    void
    open() override
    {
        shared_memory_object shm(open_only, reference.c_str(), read_write);

        map(shm);
    }
    bool
    destroy() override
    {
        return shared_memory_object::remove(reference.c_str());
    }
};

struct sysv_peer : peer {
    int id = -1;

    void
    map(xsi_shared_memory &&shm)
    {
        id = shm.get_shmid();
        region.reset(new mapped_region(shm, read_write));
    }
    xsi_key
    key() const
    {
        return xsi_key(reference.c_str(), 1);
    }
    void
    create() override
    {
        map(xsi_shared_memory(create_only, key(), 4096));
    }
    void
    open() override
    {
        map(xsi_shared_memory(open_only, key()));
    }
    bool
    destroy() override
    {
        return xsi_shared_memory::remove(id);
    }
};

static std::string
obey(peer &peer, const std::string &command, const std::string &argument)
{
    if (command == "create" || command == "open")
        peer.reference = argument;
    if (command == "create")
        peer.create();
    else if (command == "open")
        peer.open();
    else if (command == "write")
        std::strcpy(peer.text(), argument.c_str());
    else if (command == "read")
        return peer.text();
    else if (command == "destroy")
        return peer.destroy() ? "ok" : "no";
    else
        peer.region.reset();
    return "ok";
}

int
main(int, char **argv)
{
    posix_peer posix;
    sysv_peer  sysv;
    peer      &peer = std::strcmp(argv[1], "posix") == 0 ? static_cast<struct peer &>(posix) : sysv;
    std::string line, command, argument;

    while (std::getline(std::cin, line)) {
        std::istringstream words(line);

        words >> command >> std::ws;
        argument.clear();
        std::getline(words, argument);
        try {
            std::cout << obey(peer, command, argument) << std::endl;
        } catch (const interprocess_exception &) {
            std::cout << "no" << std::endl;
        }
    }
}
