#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "client/options.h"

namespace laptime::client {

class Session;

// The grammar of `laptime`: every command and flag, bound to plain option structs. Used by one
// thread.
class CommandTree {
 public:
  CommandTree();

  CLI::App& root() { return root_; }
  const GlobalOptions& global() const { return *global_; }
  // What the parsed command does; it owns its options, so that it may outlive the tree. Empty for a
  // group.
  std::function<int(Session&)> ActionOf(const CLI::App* command) const;

 private:
  void AddGlobalFlags();
  void AddUpAndSubmit();
  void AddJob();
  void AddRun();
  void AddDevice();
  void AddWorkload();
  void AddMatrixAndFill();
  void AddRest();
  void AddExport();
  void AddAccess();
  void AddServer();

  CLI::App* Group(const std::string& name, const std::string& what);
  // A command that takes options of this type; `act` runs it.
  template <typename Options>
  std::shared_ptr<Options> Command(CLI::App* parent, const std::string& name,
                                   const std::string& what, int (*act)(Session&, const Options&));
  void Plain(CLI::App* parent, const std::string& name, const std::string& what,
             int (*act)(Session&));
  // What `matrix` and `fill` are about, for the command added last.
  void AddMatrixFlags(MatrixOptions& options);
  // A command about one thing, named by its only argument.
  void About(CLI::App* parent, const std::string& name, const std::string& what,
             const std::string& id_name, const std::string& id_help,
             int (*act)(Session&, const IdOptions&));
  // A flag that is a setting too.
  void SettingFlag(CLI::App* app, const std::string& flags, const std::string& setting,
                   const std::string& what);

  CLI::App root_{"laptime: how fast does this machine train, and how sure are we?", "laptime"};
  std::shared_ptr<GlobalOptions> global_ = std::make_shared<GlobalOptions>();
  std::map<const CLI::App*, std::function<int(Session&)>> actions_;
  CLI::App* last_ = nullptr;  // the command added last
};

}  // namespace laptime::client
