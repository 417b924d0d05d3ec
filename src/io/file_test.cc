// OutputFile: whole or not at all, and never over what is no regular file.
#include "io/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace offramp::io {
namespace {

namespace fs = std::filesystem;

class FileTest : public testing::Test {
 protected:
  FileTest() {
    char name[] = "/tmp/offramp-file-XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  ~FileTest() override { fs::remove_all(folder_); }
  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  static std::string text_of(const std::string& path) {
    std::ifstream in(path);
    std::stringstream out;
    out << in.rdbuf();
    return out.str();
  }
  static mode_t mode_of(const std::string& path) {
    struct stat info {};
    EXPECT_EQ(::stat(path.c_str(), &info), 0);
    return info.st_mode & 07777;
  }
  size_t files() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), {}));
  }

  std::string folder_;
};

TEST_F(FileTest, ANewFileHasTheModeAndNothingIsLeftBeside) {
  ASSERT_TRUE(write_file(path("a"), "text", 0600).ok());
  EXPECT_EQ(text_of(path("a")), "text");
  EXPECT_EQ(mode_of(path("a")), 0600u);
  EXPECT_EQ(files(), 1u);
}

TEST_F(FileTest, WithoutCommitTheOldFileStays) {
  ASSERT_TRUE(write_file(path("a"), "old", 0600).ok());
  {
    auto file = OutputFile::open(path("a"), 0600);
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE((*file)->write("half").ok());
    EXPECT_EQ(text_of(path("a")), "old");
  }
  EXPECT_EQ(text_of(path("a")), "old");
  EXPECT_EQ(files(), 1u);
}

TEST_F(FileTest, AnExistingFileKeepsItsPermissionsAndALinkStaysALink) {
  ASSERT_TRUE(write_file(path("a"), "old", 0640).ok());
  ASSERT_EQ(::chmod(path("a").c_str(), 0640), 0);
  fs::create_symlink(path("a"), path("link"));
  ASSERT_TRUE(write_file(path("link"), "new", 0600).ok());
  EXPECT_TRUE(fs::is_symlink(path("link")));
  EXPECT_EQ(text_of(path("a")), "new");
  EXPECT_EQ(mode_of(path("a")), 0640u);
}

TEST_F(FileTest, ALinkInThePlaceOfThePartialFileIsNotFollowed) {
  ASSERT_TRUE(write_file(path("victim"), "kept", 0600).ok());
  fs::create_symlink(path("victim"), path("a.part"));
  ASSERT_TRUE(write_file(path("a"), "new", 0600).ok());
  EXPECT_EQ(text_of(path("victim")), "kept");
  EXPECT_EQ(text_of(path("a")), "new");
}

TEST_F(FileTest, APipeIsWrittenThroughAndStaysAPipe) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_TRUE(is_written_through(path("pipe")));
  std::string read;
  std::thread reader([&] { read = text_of(path("pipe")); });
  ASSERT_TRUE(write_file(path("pipe"), "text", 0600).ok());
  reader.join();
  EXPECT_EQ(read, "text");
  EXPECT_TRUE(fs::is_fifo(path("pipe")));
  EXPECT_EQ(files(), 1u);
}

TEST_F(FileTest, ADeviceIsNeverReplaced) {
  // A device of this folder stands in for /dev/null: making one needs the rights that make the
  // accident possible.
  std::string device = ::geteuid() == 0 ? path("null") : "/dev/null";
  if (::geteuid() == 0) {
    if (::mknod(device.c_str(), S_IFCHR | 0666, 0x103) != 0) device = "/dev/null";
  }
  ASSERT_TRUE(write_file(device, "text", 0600).ok());
  EXPECT_TRUE(fs::is_character_file(device));
}

TEST_F(FileTest, ErrorsNameTheFile) {
  Status no_folder = write_file(path("none/a"), "text", 0600);
  ASSERT_FALSE(no_folder.ok());
  EXPECT_EQ(no_folder.error().kind(), ErrorKind::kConfig);
  EXPECT_NE(no_folder.error().message().find(path("none/a")), std::string::npos);
  Status folder = write_file(folder_, "text", 0600);
  ASSERT_FALSE(folder.ok());
  EXPECT_EQ(folder.error().kind(), ErrorKind::kConfig);
  Status full = write_file("/dev/full", "text", 0600);
  ASSERT_FALSE(full.ok());
  EXPECT_EQ(full.error().kind(), ErrorKind::kUnavailable);
}

}  // namespace
}  // namespace offramp::io
