// The lock is flock() on PLAN.offramp/lock, so it goes away with the process, however that ends
// (C9).
#include "migrate/workspace.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "migrate/plan/plan_name.h"

namespace offramp::migrate {

std::string Workspace::folder_of(const std::string& plan_name) {
  return plan::PlanName::parse(plan_name).folder();
}

Result<std::unique_ptr<Workspace>> Workspace::open_exclusive(const std::string& plan_name) {
  std::string folder = folder_of(plan_name);
  // Of a move: PLAN.offramp first, which all moves of the file share.
  const std::string shared = plan::PlanName{plan::PlanName::parse(plan_name).path, {}}.folder();
  if ((::mkdir(shared.c_str(), 0700) != 0 && errno != EEXIST) ||
      (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST))
    return Error(ErrorKind::kUnavailable, "workspace.create",
                 "cannot create " + folder + ": " + std::strerror(errno) +
                     "; the journal lives beside the plan, so its folder must be writable");
  std::string path = folder + "/lock";
  int lock = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0)
    return Error(ErrorKind::kUnavailable, "workspace.lock",
                 "cannot open " + path + ": " + std::strerror(errno));
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    ::close(lock);
    return Error(ErrorKind::kConflict, "workspace.busy",
                 "another offramp process is working on this plan (" + folder +
                     "/lock is held); wait for it, or look at it with `offramp status`");
  }
  return std::unique_ptr<Workspace>(new Workspace(std::move(folder), lock));
}

bool Workspace::is_held(const std::string& plan_name) {
  int fd = ::open((folder_of(plan_name) + "/lock").c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return false;
  bool held = ::flock(fd, LOCK_EX | LOCK_NB) != 0;
  ::close(fd);
  return held;
}

Workspace::~Workspace() { ::close(lock_); }

}  // namespace offramp::migrate
