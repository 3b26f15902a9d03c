// The words of a command line: they are understood, or refused with one line.

#include "client/command_line.h"
#include "client/session.h"
#include "tests/fuzz/harness.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  laptime::fuzz::Input input(data, size);
  std::vector<std::string> words;
  while (!input.empty()) words.push_back(input.Piece());
  const auto command = laptime::client::ParseCommandLine(words);
  if (command.ok())
    laptime::fuzz::Must(command->run || !command->help.empty(), "a command does something");
  else
    laptime::client::ErrorText(command.status());
  return 0;
}
