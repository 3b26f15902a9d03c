#pragma once

#include <map>
#include <string>

namespace laptime::trainer {

// Keeps freed memory in the process: a step frees and allocates hundreds of megabytes, and giving
// them back to the kernel each time makes it fault and clear them again, which costs a third of the
// step. First line of main. Returns the effective setting in words; where there is no such switch,
// "default".
std::string KeepFreedMemory();

// Sets what only the environment can set, so the program executes itself again, once: transparent
// huge pages in the C library, and OpenMP threads that soon sleep while they wait. Spinning as long
// as they do by default, they take the CPU from the very thread they wait for as soon as anything
// else runs on the machine. What the user has set stays. Returns the effective settings by name;
// continues as it is when it cannot.
std::map<std::string, std::string> PrepareEnvironment(char** argv);

// Returns a private copy of standard output and sends everything else that is printed there to
// standard error: a library's message can then never stand between the events.
int TakeStandardOutput();

}  // namespace laptime::trainer
