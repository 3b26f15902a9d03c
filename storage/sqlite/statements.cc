#include "storage/sqlite/statements.h"

#include <SQLiteCpp/Database.h>

#include <utility>

namespace laptime::storage {

Query::Query(Statements& owner, std::unique_ptr<SQLite::Statement> statement)
    : owner_(&owner), statement_(std::move(statement)) {}

Query::~Query() {
  if (statement_ != nullptr) owner_->GiveBack(std::move(statement_));
}

void Query::BindBlob(int index, const std::string& bytes) {
  statement_->bind(index, bytes.data(), static_cast<int>(bytes.size()));
}

void Query::Run() {
  while (statement_->executeStep()) {
  }
}

int64_t Query::RunInsert() {
  statement_->exec();
  return owner_->LastKey();
}

std::optional<int64_t> Query::RunReturning() {
  if (!Step()) return std::nullopt;
  const int64_t value = Int64(0);
  Run();
  return value;
}

Query Statements::Get(const std::string& sql) {
  const auto idle = idle_.find(sql);
  if (idle == idle_.end() || idle->second.empty())
    return Query(*this, std::make_unique<SQLite::Statement>(database_, sql));
  std::unique_ptr<SQLite::Statement> statement = std::move(idle->second.back());
  idle->second.pop_back();
  return Query(*this, std::move(statement));
}

void Statements::GiveBack(std::unique_ptr<SQLite::Statement> statement) {
  statement->tryReset();  // repeats the error of the last step, which was reported then
  statement->clearBindings();
  if (idle_.size() >= kMaxTexts && !idle_.contains(statement->getQuery())) idle_.clear();
  idle_[statement->getQuery()].push_back(std::move(statement));
}

}  // namespace laptime::storage
