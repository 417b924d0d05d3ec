// A PostgreSQL server of the tests' own: a cluster in a temporary folder, stopped and removed at
// the end.
//
// Listens on a free port of 127.0.0.1 and on a socket in its folder. PostgreSQL refuses to run as
// root, so as root it runs as the user postgres. fsync is on, as at a customer's.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace offramp::target::postgres {

class PostgresServer {
 public:
  PostgresServer() {
    char folder[] = "/tmp/offramp-postgres-XXXXXX";
    folder_ = mkdtemp(folder);
    if (geteuid() == 0) shell("chown postgres " + folder_);
    port_ = std::to_string(free_port());
    run(binary("initdb") + " -D " + folder_ + "/data -U postgres -A trust -E UTF8 --locale=C");
    start();
  }
  ~PostgresServer() {
    shell(as_owner(binary("pg_ctl") + " -D " + folder_ + "/data -m immediate -w stop"));
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  PostgresServer(const PostgresServer&) = delete;
  // One server for all tests of a binary; each test takes a database of its own.
  static PostgresServer& instance() {
    static PostgresServer server;
    return server;
  }

  // Creates an empty database and gives its URL.
  std::string new_database() {
    std::string name = "db" + std::to_string(++databases_);
    run(binary("createdb") + " -h " + folder_ + " -p " + port_ + " -U postgres " + name);
    return url(name);
  }
  std::string url(const std::string& database) const {
    return "postgresql://postgres@127.0.0.1:" + port_ + "/" + database;
  }
  // Kills the server as a crash does, and starts it again.
  void crash() { run(binary("pg_ctl") + " -D " + folder_ + "/data -m immediate -w stop"); }
  void start() {
    run(binary("pg_ctl") + " -D " + folder_ + "/data -w -l " + folder_ + "/log -o \"-p " + port_ +
        " -k " + folder_ + " -c listen_addresses=127.0.0.1 -c fsync=on\" start");
  }

 private:
  static std::string binary(const std::string& name) {
    for (const char* version : {"17", "16", "15", "14", "13"}) {
      std::string path = std::string("/usr/lib/postgresql/") + version + "/bin/" + name;
      if (access(path.c_str(), X_OK) == 0) return path;
    }
    return name;
  }
  static std::string as_owner(const std::string& command) {
    return geteuid() == 0 ? "cd / && runuser -u postgres -- " + command : command;
  }
  static int shell(const std::string& command) {
    return std::system((command + " >/dev/null 2>&1").c_str());
  }
  static void run(const std::string& command) {
    if (shell(as_owner(command)) == 0) return;
    std::fprintf(stderr, "cannot run: %s\n", command.c_str());
    std::abort();
  }
  static int free_port() {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    if (bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      std::abort();
    close(fd);
    return ntohs(address.sin_port);
  }

  std::string folder_, port_;
  int databases_ = 0;
};

}  // namespace offramp::target::postgres
