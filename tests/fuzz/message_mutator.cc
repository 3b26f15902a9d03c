#include "tests/fuzz/message_mutator.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

// Of libFuzzer.
extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace laptime::fuzz {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr int kMostElements = 20;
constexpr size_t kMostText = 256;

size_t Below(size_t limit, std::minstd_rand& random) { return random() % limit; }

// Words that mean something somewhere; "1" and "2" stand for runs that are there.
std::string Word(std::minstd_rand& random) {
  static const std::vector<std::string> words = {"",          "1",
                                                 "2",         "box",
                                                 "box/cpu",   "cpu",
                                                 "all",       "kind=cuda",
                                                 "last",      "last:2",
                                                 "../../x",   "'; DROP TABLE run; --",
                                                 "\x1b[2J",   "=1+1",
                                                 "{}",        "[[[[",
                                                 "{\"a\":1}", "simclr-cifar10",
                                                 "batch",     "64",
                                                 "true",      "state=succeeded",
                                                 "since=30d", "id=last",
                                                 "nan",       "1e309",
                                                 "cifar10",   "*",
                                                 "%",         "device=box/*|x",
                                                 "cpu2",      "id-box",
                                                 "host=box",  "label.a=b",
                                                 "r10",       "\xE2\x80\xAE"};
  return words[Below(words.size(), random)];
}

std::string Text(std::string text, std::minstd_rand& random) {
  switch (Below(6, random)) {
    case 0:
      return Word(random);
    case 1:
      return text + Word(random);
    case 2:
      return std::string(Below(5000, random), "a{'%"[Below(4, random)]);
    default: {
      std::string changed = text.substr(0, kMostText);
      const size_t before = changed.size();
      changed.resize(kMostText);
      changed.resize(
          LLVMFuzzerMutate(reinterpret_cast<uint8_t*>(changed.data()), before, kMostText));
      // The wire carries no other texts than UTF-8.
      for (char& letter : changed) letter = static_cast<char>(letter & 0x7f);
      return changed;
    }
  }
}

int64_t Integer(int64_t now, std::minstd_rand& random) {
  static constexpr std::array<int64_t, 14> kSpecial = {0,
                                                       1,
                                                       2,
                                                       3,
                                                       -1,
                                                       64,
                                                       999,
                                                       1000,
                                                       65536,
                                                       2147483647,
                                                       -2147483648,
                                                       1'700'000'000'000,
                                                       std::numeric_limits<int64_t>::max(),
                                                       std::numeric_limits<int64_t>::min()};
  switch (Below(4, random)) {
    case 0:
      return kSpecial[Below(kSpecial.size(), random)];
    case 1:
      return static_cast<int64_t>(static_cast<uint64_t>(now) + 1);
    case 2:
      return static_cast<int64_t>(static_cast<uint64_t>(now) - 1);
    default:
      return static_cast<int64_t>(static_cast<uint64_t>(now) ^ (1ULL << Below(64, random)));
  }
}

double Number(double now, std::minstd_rand& random) {
  static constexpr std::array<double, 12> kSpecial = {0,
                                                      -0.0,
                                                      1,
                                                      -1,
                                                      0.5,
                                                      1e-300,
                                                      1e300,
                                                      -1e300,
                                                      std::numeric_limits<double>::infinity(),
                                                      -std::numeric_limits<double>::infinity(),
                                                      std::numeric_limits<double>::quiet_NaN(),
                                                      4e18};
  if (Below(2, random) == 0) return kSpecial[Below(kSpecial.size(), random)];
  return now * (1 + static_cast<double>(Below(2000, random)) / 1000) + 0.1;
}

// A value of the field: as SetX for one, as AddX for a list.
void Put(Message& message, const FieldDescriptor* field, std::minstd_rand& random) {
  const Reflection& r = *message.GetReflection();
  const bool list = field->is_repeated();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING: {
      const std::string text = Text(list ? "" : r.GetString(message, field), random);
      return list ? r.AddString(&message, field, text) : r.SetString(&message, field, text);
    }
    case FieldDescriptor::CPPTYPE_INT32: {
      const auto number =
          static_cast<int32_t>(Integer(list ? 0 : r.GetInt32(message, field), random));
      return list ? r.AddInt32(&message, field, number) : r.SetInt32(&message, field, number);
    }
    case FieldDescriptor::CPPTYPE_INT64: {
      const int64_t number = Integer(list ? 0 : r.GetInt64(message, field), random);
      return list ? r.AddInt64(&message, field, number) : r.SetInt64(&message, field, number);
    }
    case FieldDescriptor::CPPTYPE_UINT32: {
      const auto number = static_cast<uint32_t>(Integer(1, random));
      return list ? r.AddUInt32(&message, field, number) : r.SetUInt32(&message, field, number);
    }
    case FieldDescriptor::CPPTYPE_UINT64: {
      const auto number = static_cast<uint64_t>(
          Integer(list ? 0 : static_cast<int64_t>(r.GetUInt64(message, field)), random));
      return list ? r.AddUInt64(&message, field, number) : r.SetUInt64(&message, field, number);
    }
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      const double number = Number(list ? 1 : r.GetDouble(message, field), random);
      return list ? r.AddDouble(&message, field, number) : r.SetDouble(&message, field, number);
    }
    case FieldDescriptor::CPPTYPE_FLOAT: {
      const auto number = static_cast<float>(Number(1, random));
      return list ? r.AddFloat(&message, field, number) : r.SetFloat(&message, field, number);
    }
    case FieldDescriptor::CPPTYPE_BOOL: {
      const bool truth = Below(2, random) == 0;
      return list ? r.AddBool(&message, field, truth) : r.SetBool(&message, field, truth);
    }
    case FieldDescriptor::CPPTYPE_ENUM: {
      const int number = static_cast<int>(Below(10, random));
      return list ? r.AddEnumValue(&message, field, number)
                  : r.SetEnumValue(&message, field, number);
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      MutateMessage(list ? *r.AddMessage(&message, field) : *r.MutableMessage(&message, field),
                    random);
  }
}

void ChangeList(Message& message, const FieldDescriptor* field, std::minstd_rand& random) {
  const Reflection& r = *message.GetReflection();
  const int size = r.FieldSize(message, field);
  const size_t choice = Below(4, random);
  if (size == 0 || (choice == 0 && size < kMostElements)) return Put(message, field, random);
  const int at = static_cast<int>(Below(static_cast<size_t>(size), random));
  if (choice == 1) {
    r.SwapElements(&message, field, at, size - 1);
    return r.RemoveLast(&message, field);
  }
  if (choice == 2) return r.SwapElements(&message, field, at, 0);
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    return MutateMessage(*r.MutableRepeatedMessage(&message, field, at), random);
  }
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
    return r.SetRepeatedString(&message, field, at,
                               Text(r.GetRepeatedString(message, field, at), random));
  }
  Put(message, field, random);
}

}  // namespace

void MutateMessage(Message& message, std::minstd_rand& random) {
  const auto& type = *message.GetDescriptor();
  if (type.field_count() == 0) return;
  const auto* field = type.field(static_cast<int>(Below(type.field_count(), random)));
  const Reflection& r = *message.GetReflection();
  // What is there already more often than what is not: it leads further.
  std::vector<const FieldDescriptor*> there;
  r.ListFields(message, &there);
  if (!there.empty() && Below(3, random) != 0) field = there[Below(there.size(), random)];
  if (field->is_repeated()) return ChangeList(message, field, random);
  if (Below(12, random) == 0) return r.ClearField(&message, field);
  Put(message, field, random);
}

std::vector<std::string> SplitMessages(const std::string& bytes) {
  std::vector<std::string> messages;
  for (size_t at = 0; at + 2 <= bytes.size();) {
    const size_t length =
        static_cast<unsigned char>(bytes[at]) | static_cast<unsigned char>(bytes[at + 1]) << 8;
    messages.push_back(bytes.substr(at + 2, length));
    at += 2 + length;
  }
  return messages;
}

std::string JoinMessages(const std::vector<std::string>& messages) {
  std::string bytes;
  for (const std::string& message : messages) {
    if (message.size() > 0xffff) continue;
    bytes += static_cast<char>(message.size() & 0xff);
    bytes += static_cast<char>(message.size() >> 8);
    bytes += message;
  }
  return bytes;
}

size_t MutateMessages(const Message& type, uint8_t* data, size_t size, size_t max_size,
                      unsigned int seed) {
  std::minstd_rand random(seed);
  auto messages = SplitMessages(std::string(reinterpret_cast<char*>(data), size));
  // Sometimes the bytes themselves: what is no message must do no harm either.
  if (Below(50, random) == 0) return LLVMFuzzerMutate(data, size, max_size);
  const size_t choice = messages.empty() ? 0 : Below(8, random);
  const size_t at = messages.empty() ? 0 : Below(messages.size(), random);
  if (choice == 0) {
    messages.insert(messages.begin() + static_cast<std::ptrdiff_t>(at), std::string());
  } else if (choice == 1) {
    messages.push_back(messages[at]);
  } else if (choice == 2) {
    std::swap(messages[at], messages.back());
  } else if (choice == 3) {
    messages.erase(messages.begin() + static_cast<std::ptrdiff_t>(at));
  }
  if (choice != 3 && choice != 2) {
    const std::unique_ptr<Message> message(type.New());
    // Unreadable ones begin anew.
    if (!message->ParseFromString(messages[at])) message->Clear();
    for (size_t changes = 1 + Below(3, random); changes > 0; --changes)
      MutateMessage(*message, random);
    messages[at] = message->SerializeAsString();
  }
  const std::string joined = JoinMessages(messages);
  if (joined.size() > max_size) return size;
  std::memcpy(data, joined.data(), joined.size());
  return joined.size();
}

size_t MutateTyped(const std::function<const Message&(uint8_t)>& type, uint8_t* data, size_t size,
                   size_t max_size, unsigned int seed) {
  std::minstd_rand random(seed);
  if (size == 0) data[0] = 0;
  if (Below(10, random) == 0) data[0] = static_cast<uint8_t>(random());
  const std::unique_ptr<Message> message(type(data[0]).New());
  if (size > 1 && !message->ParseFromArray(data + 1, static_cast<int>(size) - 1)) message->Clear();
  for (size_t changes = 1 + Below(5, random); changes > 0; --changes)
    MutateMessage(*message, random);
  const std::string bytes = message->SerializeAsString();
  if (bytes.size() + 1 > max_size) return std::max<size_t>(size, 1);
  std::memcpy(data + 1, bytes.data(), bytes.size());
  return bytes.size() + 1;
}

}  // namespace laptime::fuzz
