#include "agent/telemetry/apple_frameworks.h"

#include <array>

namespace laptime::agent {
namespace {

constexpr uint32_t kUtf8 = 0x08000100;  // kCFStringEncodingUTF8
constexpr long kSint64 = 4;             // kCFNumberSInt64Type

}  // namespace

std::optional<CoreFoundation> CoreFoundation::Open() {
  void* library = dlopen("/System/Library/Frameworks/CoreFoundation.framework/CoreFoundation",
                         RTLD_NOW | RTLD_LOCAL);
  CoreFoundation cf = {};
  const bool whole = library != nullptr &&
                     FindSymbol(library, "CFStringCreateWithCString", cf.make_string) &&
                     FindSymbol(library, "CFStringGetCString", cf.string_text) &&
                     FindSymbol(library, "CFDictionaryGetValue", cf.dictionary_value) &&
                     FindSymbol(library, "CFDictionaryGetCount", cf.dictionary_count) &&
                     FindSymbol(library, "CFDictionaryCreateMutableCopy", cf.dictionary_copy) &&
                     FindSymbol(library, "CFArrayGetCount", cf.array_count) &&
                     FindSymbol(library, "CFArrayGetValueAtIndex", cf.array_value) &&
                     FindSymbol(library, "CFNumberGetValue", cf.number) &&
                     FindSymbol(library, "CFDataGetBytePtr", cf.data_bytes) &&
                     FindSymbol(library, "CFDataGetLength", cf.data_length) &&
                     FindSymbol(library, "CFRelease", cf.release);
  return whole ? std::optional(cf) : std::nullopt;
}

CfType CoreFoundation::String(const char* text) const { return make_string(nullptr, text, kUtf8); }

std::string CoreFoundation::Text(CfType string) const {
  std::array<char, 1024> text = {};
  const bool told =
      string != nullptr && string_text(string, text.data(), static_cast<long>(text.size()), kUtf8);
  return told ? text.data() : "";
}

std::optional<double> CoreFoundation::Number(CfType dictionary, const char* key) const {
  const CfType name = String(key);
  const CfType found = dictionary_value(dictionary, name);
  release(name);
  int64_t value = 0;
  if (found == nullptr || number(found, kSint64, &value) == 0) return std::nullopt;
  return static_cast<double>(value);
}

std::optional<IoKit> IoKit::Open() {
  void* library = dlopen("/System/Library/Frameworks/IOKit.framework/IOKit", RTLD_NOW | RTLD_LOCAL);
  IoKit io = {};
  const bool whole = library != nullptr && FindSymbol(library, "IOServiceMatching", io.matching) &&
                     FindSymbol(library, "IOServiceGetMatchingServices", io.services) &&
                     FindSymbol(library, "IOIteratorNext", io.next) &&
                     FindSymbol(library, "IORegistryEntryCreateCFProperty", io.property) &&
                     FindSymbol(library, "IORegistryEntryGetName", io.entry_name) &&
                     FindSymbol(library, "IOObjectRelease", io.release) &&
                     FindSymbol(library, "IOPSCopyPowerSourcesInfo", io.power_sources) &&
                     FindSymbol(library, "IOPSGetProvidingPowerSourceType", io.power_source_type) &&
                     FindSymbol(library, "IOPMAssertionCreateWithName", io.assertion_create) &&
                     FindSymbol(library, "IOPMAssertionRelease", io.assertion_release);
  return whole ? std::optional(io) : std::nullopt;
}

std::string IoKit::PowerSource(const CoreFoundation& cf) const {
  const CfType sources = power_sources();
  if (sources == nullptr) return "";
  // Not to be released: its name has Get in it.
  std::string type = cf.Text(power_source_type(sources));
  cf.release(sources);
  return type;
}

std::optional<uint64_t> NotifyState(const char* name) {
  uint32_t (*subscribe)(const char*, int*) = nullptr;
  uint32_t (*get_state)(int, uint64_t*) = nullptr;
  uint32_t (*cancel)(int) = nullptr;
  if (!FindSymbol(RTLD_DEFAULT, "notify_register_check", subscribe) ||
      !FindSymbol(RTLD_DEFAULT, "notify_get_state", get_state) ||
      !FindSymbol(RTLD_DEFAULT, "notify_cancel", cancel)) {
    return std::nullopt;
  }
  int token = 0;
  if (subscribe(name, &token) != 0) return std::nullopt;
  uint64_t state = 0;
  const bool told = get_state(token, &state) == 0;
  cancel(token);
  return told ? std::optional(state) : std::nullopt;
}

}  // namespace laptime::agent
