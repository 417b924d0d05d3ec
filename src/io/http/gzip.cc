#include "io/http/gzip.h"

#include <isa-l/igzip_lib.h>

#include "base/ascii.h"
#include "io/http/text.h"

namespace offramp::io::http {
namespace {

constexpr size_t kStep = 64 << 10;

// "q=0", "q=0.000": not wanted.
bool refused(std::string_view parameters) {
  while (!parameters.empty()) {
    size_t end = std::min(parameters.find(';'), parameters.size());
    std::string_view one = trimmed(parameters.substr(0, end));
    parameters.remove_prefix(std::min(end + 1, parameters.size()));
    if (one.size() >= 3 && base::lower(one[0]) == 'q' && one[1] == '=')
      return one.substr(2).find_first_not_of("0.") == one.npos;
  }
  return false;
}

}  // namespace

struct Gunzip::State {
  inflate_state inflate;
};

Gunzip::Gunzip() : state_(std::make_unique<State>()) {}
Gunzip::~Gunzip() = default;

Gunzip::Outcome Gunzip::run(std::string_view bytes, size_t size_max, ByteBuffer& out) {
  inflate_state& state = state_->inflate;
  out.set_size(0);
  const auto* next = reinterpret_cast<const uint8_t*>(bytes.data());
  size_t left = bytes.size();
  if (left == 0) return Outcome::kDamaged;
  while (left > 0) {  // one round a member
    isal_inflate_init(&state);
    state.crc_flag = ISAL_GZIP;
    state.next_in = const_cast<uint8_t*>(next);
    state.avail_in = static_cast<uint32_t>(left);
    while (state.block_state != ISAL_BLOCK_FINISH) {
      // One byte more than allowed shows that there is more.
      const size_t room = std::min(kStep, size_max + 1 - out.size());
      out.reserve(std::max(out.size() + room, std::min(out.size() * 2, size_max + 1)));
      state.next_out = reinterpret_cast<uint8_t*>(out.data() + out.size());
      state.avail_out = static_cast<uint32_t>(room);
      const uint32_t before = state.avail_in;
      int code = isal_inflate(&state);
      const size_t made = room - state.avail_out;
      out.set_size(out.size() + made);
      if (out.size() > size_max) return Outcome::kTooLarge;
      if (code != ISAL_DECOMP_OK && code != ISAL_END_INPUT && code != ISAL_OUT_OVERFLOW)
        return Outcome::kDamaged;
      if (made == 0 && state.avail_in == before && state.block_state != ISAL_BLOCK_FINISH)
        return Outcome::kDamaged;  // it ends in its middle
    }
    next = state.next_in;
    left = state.avail_in;
  }
  return Outcome::kDone;
}

struct Gzip::State {
  isal_zstream stream;
  uint8_t level_buffer[ISAL_DEF_LVL1_DEFAULT];
};

Gzip::Gzip() : state_(std::make_unique<State>()) {}
Gzip::~Gzip() = default;

bool Gzip::run(std::string_view bytes, ByteBuffer& out) {
  isal_zstream& stream = state_->stream;
  isal_deflate_stateless_init(&stream);
  stream.level = 1;
  stream.level_buf = state_->level_buffer;
  stream.level_buf_size = sizeof state_->level_buffer;
  stream.gzip_flag = IGZIP_GZIP;
  stream.end_of_stream = 1;
  stream.next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uint32_t>(bytes.size());
  out.set_size(0);
  out.reserve(bytes.size());
  stream.next_out = reinterpret_cast<uint8_t*>(out.data());
  stream.avail_out = static_cast<uint32_t>(bytes.size());
  if (isal_deflate_stateless(&stream) != COMP_OK || stream.avail_in != 0) return false;
  out.set_size(bytes.size() - stream.avail_out);
  return true;
}

bool accepts_gzip(std::string_view accept_encoding) {
  bool any = false;
  while (!accept_encoding.empty()) {
    size_t end = std::min(accept_encoding.find(','), accept_encoding.size());
    std::string_view one = accept_encoding.substr(0, end);
    accept_encoding.remove_prefix(std::min(end + 1, accept_encoding.size()));
    size_t semicolon = std::min(one.find(';'), one.size());
    std::string_view name = trimmed(one.substr(0, semicolon));
    bool wanted = !refused(one.substr(std::min(semicolon + 1, one.size())));
    if (base::same_letters(name, "gzip") || base::same_letters(name, "x-gzip")) return wanted;
    if (name == "*") any = wanted;
  }
  return any;
}

}  // namespace offramp::io::http
