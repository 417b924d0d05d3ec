#include "target/postgres/row_messages.h"

#include "target/postgres/copy_decoder.h"

namespace offramp::target::postgres {
namespace {

// libpq gives one row per message; the header comes before the first row, the trailer stands alone
// or, without rows, behind the header.
class CopyRows {
 public:
  Result<bool> next(Connection& connection, RowMessage& message, const std::string& doing) {
    // Asked again behind the end, libpq would speak of an error.
    while (!ended_) {
      message.offset = 0;
      if (!TRY(connection.next_copy(message.bytes, message.size, doing))) {
        ended_ = true;
        break;
      }
      if (first_) {
        first_ = false;
        message.offset = copy_header_size(message.view());
        if (message.offset == 0)
          return Error(ErrorKind::kCorrupt, "postgres.copy",
                       connection.where() +
                           ": the server does not send COPY BINARY; use a direct connection");
      }
      if (!message.view().empty() && !is_copy_trailer(message.view())) return true;
    }
    return false;
  }

 private:
  bool first_ = true, ended_ = false;
};

std::string copy_sql(const std::string& select) {
  return "COPY (" + select + ") TO STDOUT (FORMAT binary)";
}

class LiveMessages : public RowMessages {
 public:
  LiveMessages(Connection connection, std::string doing)
      : connection_(std::move(connection)), doing_(std::move(doing)) {}
  Result<bool> next(RowMessage& message) override {
    return rows_.next(connection_, message, doing_);
  }

 private:
  Connection connection_;
  const std::string doing_;
  CopyRows rows_;
};

class FetchedMessages : public RowMessages {
 public:
  explicit FetchedMessages(std::vector<RowMessage> messages) : messages_(std::move(messages)) {}
  Result<bool> next(RowMessage& message) override {
    if (at_ == messages_.size()) return false;
    message = std::move(messages_[at_++]);
    return true;
  }

 private:
  std::vector<RowMessage> messages_;
  size_t at_ = 0;
};

}  // namespace

Result<std::unique_ptr<RowMessages>> stream_rows(Connection connection, const std::string& select,
                                                 const std::string& doing) {
  TRY(connection.begin_copy_out(copy_sql(select), doing));
  return std::unique_ptr<RowMessages>(std::make_unique<LiveMessages>(std::move(connection), doing));
}

Result<std::unique_ptr<RowMessages>> fetch_rows(Connection& connection, const std::string& select,
                                                const std::string& doing) {
  TRY(connection.begin_copy_out(copy_sql(select), doing));
  std::vector<RowMessage> messages;
  CopyRows rows;
  RowMessage message;
  while (TRY(rows.next(connection, message, doing))) messages.push_back(std::move(message));
  return std::unique_ptr<RowMessages>(std::make_unique<FetchedMessages>(std::move(messages)));
}

}  // namespace offramp::target::postgres
