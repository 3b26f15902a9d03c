#pragma once

#include <dlfcn.h>
#include <mach/mach.h>

#include <cstdint>
#include <optional>
#include <string>

// The few prototypes of CoreFoundation and IOKit that are used, written out: their headers come
// only with Xcode, and both libraries are opened at run time, like NVML.
namespace laptime::agent {

using CfType = const void*;
using IoObject = mach_port_t;

struct CoreFoundation {
  CfType (*make_string)(CfType, const char*, uint32_t);  // CFStringCreateWithCString
  unsigned char (*string_text)(CfType, char*, long, uint32_t);
  CfType (*dictionary_value)(CfType, CfType);
  long (*dictionary_count)(CfType);
  void* (*dictionary_copy)(CfType, long, CfType);  // CFDictionaryCreateMutableCopy
  long (*array_count)(CfType);
  CfType (*array_value)(CfType, long);
  unsigned char (*number)(CfType, long, void*);
  const unsigned char* (*data_bytes)(CfType);
  long (*data_length)(CfType);
  void (*release)(CfType);

  // Absent when one of them is missing.
  static std::optional<CoreFoundation> Open();

  // To be released.
  CfType String(const char* text) const;
  // Empty for nullptr and for what is longer than a kilobyte.
  std::string Text(CfType string) const;
  // A whole number of a dictionary.
  std::optional<double> Number(CfType dictionary, const char* key) const;
};

struct IoKit {
  CfType (*matching)(const char*);                            // IOServiceMatching
  kern_return_t (*services)(mach_port_t, CfType, IoObject*);  // takes over the dictionary
  IoObject (*next)(IoObject);                                 // IOIteratorNext
  CfType (*property)(IoObject, CfType, CfType, uint32_t);     // IORegistryEntryCreateCFProperty
  kern_return_t (*entry_name)(IoObject, char*);               // 128 bytes
  kern_return_t (*release)(IoObject);
  CfType (*power_sources)();                                     // IOPSCopyPowerSourcesInfo
  CfType (*power_source_type)(CfType);                           // IOPSGetProvidingPowerSourceType
  int (*assertion_create)(CfType, uint32_t, CfType, uint32_t*);  // IOPMAssertionCreateWithName
  int (*assertion_release)(uint32_t);

  static std::optional<IoKit> Open();

  // The type of the source that provides the power, like "AC Power"; empty when it is not known.
  std::string PowerSource(const CoreFoundation& cf) const;
};

// The state of a notification of notify.h, e.g. "com.apple.system.lowpowermode"; absent when
// nobody knows it.
std::optional<uint64_t> NotifyState(const char* name);

// Looks a function up in an opened library; false when it is not there.
template <typename Function>
bool FindSymbol(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

}  // namespace laptime::agent
