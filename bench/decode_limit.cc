// The limit of decoding: igzip and simdjson on-demand alone, one core, over the given .json.gz
// files.
//
// Every value of every record is visited and its type told, nothing is kept. Prints one line of
// JSON.
#include <isa-l/igzip_lib.h>
#include <simdjson.h>

#include <cstring>
#include <vector>

#include "program.h"

namespace offramp::bench {
namespace {

using simdjson::ondemand::json_type;

struct Totals {
  uint64_t records = 0, values = 0, text_bytes = 0, json_bytes = 0;
};

// The value of an attribute: {"S":"x"}.
void walk(simdjson::ondemand::value value, Totals& totals) {
  for (auto field : value.get_object()) {
    std::string_view tag = field.unescaped_key();
    ++totals.values;
    simdjson::ondemand::value content = field.value();
    if (tag == "M") {
      for (auto member : content.get_object()) {
        totals.text_bytes += std::string_view(member.unescaped_key()).size();
        walk(member.value(), totals);
      }
    } else if (tag == "L") {
      for (auto member : content.get_array()) walk(member.value(), totals);
    } else if (content.type() == json_type::array) {
      for (auto member : content.get_array())
        totals.text_bytes += std::string_view(member.get_string()).size();
    } else if (content.type() == json_type::string) {
      totals.text_bytes += std::string_view(content.get_string()).size();
    } else {
      totals.values += bool(content.get_bool()) ? 0 : 0;
    }
  }
}

size_t parse(simdjson::ondemand::parser& parser, const char* text, size_t size, Totals& totals) {
  size_t end = size;
  while (end > 0 && text[end - 1] != '\n') --end;
  if (end == 0) return 0;
  simdjson::ondemand::document_stream stream =
      parser.iterate_many(text, end, std::max<size_t>(end, 1 << 20));
  for (auto document : stream) {
    for (auto attribute : document["Item"].get_object()) {
      totals.text_bytes += std::string_view(attribute.unescaped_key()).size();
      walk(attribute.value(), totals);
    }
    ++totals.records;
  }
  return end;
}

void decode(const std::string& gz, std::vector<char>& window, simdjson::ondemand::parser& parser,
            Totals& totals) {
  inflate_state state;
  isal_inflate_init(&state);
  state.crc_flag = ISAL_GZIP;
  state.next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(gz.data()));
  state.avail_in = static_cast<uint32_t>(gz.size());
  size_t filled = 0;
  while (state.block_state != ISAL_BLOCK_FINISH) {
    size_t room = window.size() - simdjson::SIMDJSON_PADDING - filled;
    state.next_out = reinterpret_cast<uint8_t*>(window.data() + filled);
    state.avail_out = static_cast<uint32_t>(room);
    if (isal_inflate(&state) != ISAL_DECOMP_OK) die("inflate failed");
    size_t made = room - state.avail_out;
    totals.json_bytes += made;
    filled += made;
    size_t used = parse(parser, window.data(), filled, totals);
    if (made == 0 && used == 0) die("a record is larger than the window");
    std::memmove(window.data(), window.data() + used, filled - used);
    filled -= used;
  }
}

}  // namespace
}  // namespace offramp::bench

int main(int argc, char** argv) {
  using namespace offramp::bench;
  std::vector<std::string> files;
  for (int i = 1; i < argc; ++i) files.push_back(read_file(argv[i]));
  std::vector<char> window((1 << 18) + simdjson::SIMDJSON_PADDING);
  simdjson::ondemand::parser parser;
  parser.threaded = false;
  Totals totals;
  Stopwatch watch;
  try {
    for (const std::string& file : files) decode(file, window, parser, totals);
  } catch (const simdjson::simdjson_error& error) {
    die(error.what());
  }
  std::printf(R"({"seconds":%.6f,"items":%lu,"values":%lu,"text_bytes":%lu,"json_bytes":%lu})"
              "\n",
              watch.seconds(), totals.records, totals.values, totals.text_bytes, totals.json_bytes);
}
