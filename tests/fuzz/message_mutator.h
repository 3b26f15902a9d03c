#pragma once

#include <google/protobuf/message.h>

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

namespace laptime::fuzz {

// Changes one thing in the message: a value, whether a field is there, the order or number of a
// list. Works through reflection, so a new field is changed too. Texts stay UTF-8.
void MutateMessage(google::protobuf::Message& message, std::minstd_rand& random);

// An input that is a list of messages, each with its length before it in two bytes, the lower
// first. What does not fit is left out.
std::vector<std::string> SplitMessages(const std::string& bytes);
std::string JoinMessages(const std::vector<std::string>& messages);

// The body of LLVMFuzzerCustomMutator for such inputs, whose messages are all of `type`.
size_t MutateMessages(const google::protobuf::Message& type, uint8_t* data, size_t size,
                      size_t max_size, unsigned int seed);

// The same for inputs of one byte that says of which type (type(byte)), and a message. Changes the
// byte in one time of ten.
size_t MutateTyped(const std::function<const google::protobuf::Message&(uint8_t)>& type,
                   uint8_t* data, size_t size, size_t max_size, unsigned int seed);

}  // namespace laptime::fuzz
