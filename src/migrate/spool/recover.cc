// Leftovers first, then bases, then segments from the oldest on.
#include "migrate/spool/recover.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

namespace offramp::migrate::spool {
namespace {

bool is_leftover(std::string_view name) {
  return name.ends_with(".part") || name.ends_with(".gone");
}

Status remove_leftover(const std::string& path, Recovery how) {
  return how == Recovery::kRepair ? remove_all(path) : Status();
}

bool holds(const BaseNote& base, uint64_t batch) {
  return base.first <= batch && batch <= base.last;
}

Result<std::vector<BaseNote>> recover_bases(const std::string& folder,
                                            const std::vector<std::string>& names, Recovery how) {
  std::vector<BaseNote> bases;
  uint64_t first;
  for (const std::string& name : names) {
    bool is_folder = parse_numbered(name, "base-", first);
    bool is_note =
        !is_folder && name.ends_with(".note") &&
        parse_numbered(std::string_view(name).substr(0, name.size() - 5), "base-", first);
    std::string base_name = numbered("base-", first);
    if (is_folder && !std::ranges::binary_search(names, base_name + ".note")) {
      // It was being released.
      TRY(remove_leftover(folder + "/" + name, how));
    } else if (is_note) {
      BaseNote note = TRY(read_note(folder, first));
      if (note.last == 0) {
        // Its first fold did not come to its end: the segments are all there.
        TRY(remove_leftover(folder + "/" + base_name, how));
        TRY(remove_leftover(folder + "/" + name, how));
        continue;
      }
      if (!std::ranges::binary_search(names, base_name))
        return damaged(folder + "/" + base_name, 0, "the folder is missing");
      if (!bases.empty() && bases.back().last >= note.first)
        return damaged(folder + "/" + name, 0, "it speaks of batches that another base holds");
      bases.push_back(note);
    }
  }
  return bases;
}

// Looks behind a broken record at `offset` for one that proves it was acknowledged.
Status check_torn(const std::string& path, const File& file, uint64_t offset, uint64_t size,
                  const Error& why) {
  std::string rest(size - offset, '\0');
  TRY(read_at(file, path, offset, std::span(rest.data(), rest.size())));
  FrameHeader header;
  for (size_t at = 1; (at = find_frame(rest, at, header)) != rest.npos; ++at)
    if (header.durable > offset) return why;
  return {};
}

// Takes the newest segment's records into `out`; sets its durable bytes.
Status recover_newest(Recovered& out, Recovery how) {
  Segment& segment = out.segments.back();
  File file = TRY(open_file(segment.path));
  uint64_t size = TRY(file_bytes(file, segment.path));
  FrameCursor cursor(TRY(open_file(segment.path)), segment.path);
  std::vector<model::ShardState> states;
  bool first = true;
  while (cursor.offset() < size) {
    auto read = [&]() -> Result<FrameHeader> {
      FrameHeader header = TRY(cursor.peek_header(size));
      TRY(cursor.payload(header, size));
      return header;
    }();
    if (!read.ok()) {
      if (read.error().kind() != ErrorKind::kCorrupt || first) return std::move(read).error();
      TRY(check_torn(segment.path, file, cursor.offset(), size, read.error()));
      break;
    }
    FrameHeader header = *read;
    std::string_view payload = TRY(cursor.payload(header, size));
    if (header.kind == FrameKind::kSnapshot) {
      if (!first) return damaged(segment.path, cursor.offset(), "a second snapshot");
      Snapshot snapshot = TRY_CONTEXT(segment.path, decode_snapshot(payload));
      out.origin = snapshot.origin;
      out.newest = header.number - 1;
      out.changes = header.changes;
      for (model::ShardState& shard : snapshot.shards) out.shards[shard.id] = std::move(shard);
    } else if (header.kind == FrameKind::kBatch) {
      auto batch = TRY_CONTEXT(segment.path, BatchReader::open(payload, &states));
      if (header.number != out.newest + 1 || header.changes != out.changes + batch.changes_left())
        return damaged(segment.path, cursor.offset(), "a record is not the one that should follow");
      ++out.newest;
      out.changes = header.changes;
      for (model::ShardState& shard : states) out.shards[shard.id] = std::move(shard);
    } else {
      for (const std::string& id : TRY_CONTEXT(segment.path, decode_forget(payload)))
        out.shards.erase(id);
    }
    first = false;
    cursor.skip(header);
  }
  segment.bytes = cursor.offset();
  if (how == Recovery::kLook) return {};
  File writable(::open(segment.path.c_str(), O_RDWR | O_CLOEXEC));
  if (!writable) return io_error("open", segment.path);
  if (segment.bytes < size && ::ftruncate(writable.fd(), static_cast<off_t>(segment.bytes)) != 0)
    return io_error("cut", segment.path);
  // What a killed process had written may not be on disk yet, and will be read and built on.
  if (::fsync(writable.fd()) != 0) return io_error("sync", segment.path);
  return {};
}

Status recover_segments(Recovered& out, const std::vector<std::string>& names, Recovery how) {
  uint64_t first, previous = 0;
  for (const std::string& name : names) {
    if (!parse_numbered(name, "log-", first)) continue;
    std::string path = out.folder + "/" + name;
    if (std::ranges::any_of(out.bases, [&](const BaseNote& base) { return holds(base, first); })) {
      TRY(remove_leftover(path, how));  // It has been folded.
      continue;
    }
    FrameCursor cursor(TRY(open_file(path)), path);
    uint64_t size = TRY(file_bytes(TRY(open_file(path)), path));
    FrameHeader header = TRY(cursor.peek_header(size));
    if (header.kind != FrameKind::kSnapshot || header.number != first)
      return damaged(path, 0, "it does not begin with its snapshot");
    Snapshot snapshot = TRY_CONTEXT(path, decode_snapshot(TRY(cursor.payload(header, size))));
    if (generation_folder("", snapshot.origin.generation) !=
        "/" + out.folder.substr(out.folder.rfind('/') + 1))
      return damaged(path, 0, "it belongs to another generation");
    bool folded = std::ranges::any_of(
        out.bases, [&](const BaseNote& base) { return holds(base, snapshot.previous); });
    if (!out.segments.empty() && snapshot.previous != previous && !folded)
      return damaged(out.folder + "/" + numbered("log-", snapshot.previous), 0,
                     "the file is missing");
    previous = first;
    out.segments.push_back(
        {.first = first, .path = path, .bytes = size, .changes_before = header.changes});
  }
  if (out.segments.empty()) return damaged(out.folder, 0, "it holds no segment");
  if (!out.bases.empty() && out.bases.back().last >= out.segments.back().first)
    return damaged(out.segments.back().path, 0, "the base goes beyond it");
  return recover_newest(out, how);
}

}  // namespace

std::string generation_folder(const std::string& folder, uint64_t generation) {
  return folder + "/" + numbered("gen-", generation);
}

Result<std::optional<Recovered>> recover(const std::string& folder, Recovery how) {
  std::vector<std::string> names = TRY(list_folder(folder));
  uint64_t generation, newest = 0;
  for (const std::string& name : names)
    if (parse_numbered(name, "gen-", generation)) newest = std::max(newest, generation);
  for (const std::string& name : names)
    if ((parse_numbered(name, "gen-", generation) && generation < newest) || is_leftover(name))
      TRY(remove_leftover(folder + "/" + name, how));
  if (newest == 0) return std::optional<Recovered>();
  Recovered out;
  out.folder = generation_folder(folder, newest);
  names = TRY(list_folder(out.folder));
  for (const std::string& name : names)
    if (is_leftover(name)) TRY(remove_leftover(out.folder + "/" + name, how));
  out.bases = TRY(recover_bases(out.folder, names, how));
  TRY(recover_segments(out, names, how));
  return std::optional<Recovered>(std::move(out));
}

}  // namespace offramp::migrate::spool
