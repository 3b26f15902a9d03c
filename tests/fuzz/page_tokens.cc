// The tokens that clients give back to go on with a list.

#include <limits>

#include "storage/page_token.h"
#include "tests/fuzz/harness.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using laptime::fuzz::Must;
  namespace storage = laptime::storage;
  laptime::fuzz::Input input(data, size);
  const char list = (input.Byte() & 1) != 0 ? 'r' : 'j';
  storage::Page page;
  page.size = static_cast<int8_t>(input.Byte()) * 17;
  page.token = input.Rest();
  const auto bounds = storage::BoundsOf(list, page);
  if (!bounds.ok()) return 0;
  Must(bounds->before_key >= 1 && bounds->size >= 1 && bounds->size <= storage::kMaxPageSize,
       "a page has bounds");
  storage::Page again;
  again.token = storage::PageToken(list, bounds->before_key);
  const auto same = storage::BoundsOf(list, again);
  Must(same.ok() && same->before_key == bounds->before_key, "a token that was made is taken");
  return 0;
}
