#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace laptime::agent {

// The whole file, without trailing white space; empty when it cannot be read.
std::string ReadText(const std::filesystem::path& path);

// sys/devices/system/cpu/cpuN
std::filesystem::path CpuDir(const std::filesystem::path& root, int cpu);

// "0-3,8" → 0 1 2 3 8; what is no number ends it.
std::vector<int> ParseCpuList(const std::string& text);

// Lines of "key SEPARATOR value", both trimmed; the first of equal keys wins.
std::map<std::string, std::string> ParseFields(const std::string& text, char separator);

// The file's first word as a number; absent when it cannot be read or is none.
std::optional<double> ReadNumber(const std::filesystem::path& path);

// The number behind `key` and white space at the start of a line: /proc/vmstat, cgroup's cpu.stat.
std::optional<double> ReadNumber(const std::filesystem::path& path, const std::string& key);

// A value of /proc/meminfo in bytes.
std::optional<double> MemInfoBytes(const std::map<std::string, std::string>& meminfo,
                                   const std::string& key);

}  // namespace laptime::agent
