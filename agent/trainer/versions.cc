#include "agent/trainer/versions.h"

#include <ATen/Version.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <sys/utsname.h>
#include <torch/version.h>

#include <CLI/Version.hpp>
#include <fstream>
#include <nlohmann/json.hpp>

#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif
#ifdef __APPLE__
#include <sys/sysctl.h>
#endif

#include "agent/trainer/cuda/cuda_driver.h"

namespace laptime::trainer {
namespace {

std::string OperatingSystem() {
#ifdef __APPLE__
  char version[64] = "";
  size_t size = sizeof(version) - 1;
  sysctlbyname("kern.osproductversion", version, &size, nullptr, 0);
  return std::string("macOS ") + version;
#else
  std::ifstream file("/etc/os-release");
  const std::string key = "PRETTY_NAME=\"";
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(key)) return line.substr(key.size(), line.size() - key.size() - 1);
  }
  return "unknown";
#endif
}

std::string Kernel() {
  utsname names{};
  uname(&names);
  return std::string(names.sysname) + " " + names.release + " " + names.machine;
}

std::string CxxRuntime() {
#if defined(_LIBCPP_VERSION)
  return "libc++ " + std::to_string(_LIBCPP_VERSION);
#elif defined(__GLIBCXX__)
  return "libstdc++ " + std::to_string(__GLIBCXX__);
#else
  return "unknown";
#endif
}

std::string Compiler() {
#if defined(__clang__)
  return std::string("clang ") + __clang_version__;
#else
  return std::string("gcc ") + __VERSION__;
#endif
}

// "Intel(R) MKL-DNN v3.7.1 (Git Hash …)" and the like: the first line is enough.
std::string FirstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

std::string NlohmannVersion() {
  return std::to_string(NLOHMANN_JSON_VERSION_MAJOR) + "." +
         std::to_string(NLOHMANN_JSON_VERSION_MINOR) + "." +
         std::to_string(NLOHMANN_JSON_VERSION_PATCH);
}

void AddCuda(std::map<std::string, std::string>& versions) {
  const at::CUDAHooksInterface& cuda = at::detail::getCUDAHooks();
  const long runtime = cuda.versionCUDART();
  versions["cuda_runtime"] =
      std::to_string(runtime / 1000) + "." + std::to_string(runtime % 1000 / 10);
  if (cuda.compiledWithCuDNN()) versions["cudnn"] = std::to_string(cuda.versionRuntimeCuDNN());
  if (const auto driver = FindCudaDriver()) versions["cuda_driver"] = driver->version;
}

}  // namespace

std::map<std::string, std::string> Versions(const Device& device) {
  std::map<std::string, std::string> versions = {{"laptime", LAPTIME_VERSION},
                                                 {"libtorch", TORCH_VERSION},
                                                 {"onednn", FirstLine(at::get_mkldnn_version())},
                                                 {"mkl", FirstLine(at::get_mkl_version())},
                                                 {"openmp", FirstLine(at::get_openmp_version())},
                                                 {"cpu_capability", at::get_cpu_capability()},
                                                 {"compiler", Compiler()},
                                                 {"cxx_runtime", CxxRuntime()},
                                                 {"nlohmann_json", NlohmannVersion()},
                                                 {"cli11", CLI11_VERSION},
                                                 {"os", OperatingSystem()},
                                                 {"kernel", Kernel()}};
#ifdef __GLIBC__
  versions["glibc"] = gnu_get_libc_version();
#endif
  if (device.cuda()) AddCuda(versions);
  return versions;
}

}  // namespace laptime::trainer
