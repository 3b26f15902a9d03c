#include "storage/config_json.h"

#include "tests/testing/status_matchers.h"

namespace laptime::storage {
namespace {

TEST(ConfigJsonTest, KeepsValuesAndSortsKeys) {
  const std::string json =
      R"({"augmentation":"simclr-1","batch_size":128,"gather":false,"learning_rate":0.06,)"
      R"("list":[1,"two",null],"max_steps_per_epoch":1000000,"seed":2147483647})";
  EXPECT_EQ(StructToJson(JsonToStruct(json)), json);
}

TEST(ConfigJsonTest, DamagedTextIsEmpty) { EXPECT_EQ(StructToJson(JsonToStruct("{")), "{}"); }

TEST(ConfigJsonTest, ReplacesTheSeed) {
  EXPECT_EQ(WithSeed(R"({"epochs":2,"seed":1})", 42), R"({"epochs":2,"seed":42})");
}

}  // namespace
}  // namespace laptime::storage
