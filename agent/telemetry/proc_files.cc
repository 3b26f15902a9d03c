#include "agent/telemetry/proc_files.h"

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace laptime::agent {
namespace {

// More CPUs than any machine has: a damaged list must not fill the memory.
constexpr int kMaxCpus = 65536;

std::string Trim(const std::string& text) {
  constexpr char kSpace[] = " \t\r\n";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

std::optional<double> ToNumber(const std::string& text) {
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  if (end == text.c_str() || !std::isfinite(number)) return std::nullopt;
  return number;
}

}  // namespace

std::string ReadText(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return Trim(text.str());
}

std::filesystem::path CpuDir(const std::filesystem::path& root, int cpu) {
  return root / "sys/devices/system/cpu" / ("cpu" + std::to_string(cpu));
}

std::vector<int> ParseCpuList(const std::string& text) {
  std::vector<int> cpus;
  std::istringstream in(text);
  int first = 0;
  while (in >> first) {
    int last = first;
    if (in.peek() == '-') {
      in.get();
      if (!(in >> last)) break;
    }
    for (int cpu = first; cpu >= 0 && cpu <= last && cpu < kMaxCpus; ++cpu) cpus.push_back(cpu);
    if (in.peek() == ',') in.get();
  }
  return cpus;
}

std::map<std::string, std::string> ParseFields(const std::string& text, char separator) {
  std::map<std::string, std::string> fields;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    const size_t at = line.find(separator);
    if (at != std::string::npos)
      fields.emplace(Trim(line.substr(0, at)), Trim(line.substr(at + 1)));
  }
  return fields;
}

std::optional<double> ReadNumber(const std::filesystem::path& path) {
  return ToNumber(ReadText(path));
}

std::optional<double> ReadNumber(const std::filesystem::path& path, const std::string& key) {
  const std::string text = "\n" + ReadText(path);
  const size_t at = text.find("\n" + key + " ");
  if (at == std::string::npos) return std::nullopt;
  return ToNumber(text.substr(at + key.size() + 2));
}

std::optional<double> MemInfoBytes(const std::map<std::string, std::string>& meminfo,
                                   const std::string& key) {
  const auto found = meminfo.find(key);
  if (found == meminfo.end()) return std::nullopt;
  const auto kilobytes = ToNumber(found->second);
  return kilobytes ? std::optional(*kilobytes * 1024) : std::nullopt;
}

}  // namespace laptime::agent
