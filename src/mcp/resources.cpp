#include "mcp/resources.hpp"

#include "base/text.hpp"
#include "state/folder.hpp"

#include <algorithm>

namespace mcp {

using base::Error;
using base::ErrorKind;
using base::Result;
using nlohmann::json;

namespace {

const std::string root = "belay://stacks";
constexpr std::size_t stacks_of_page = 50;
constexpr std::size_t reports_shown = 20; // the newest of each stack; older ones by the template

json resource(const std::string& address, const std::string& name, const std::string& description,
              const char* type) {
  return {{"uri", address}, {"name", name}, {"description", description}, {"mimeType", type}};
}

void add_stack(json& all, errands::Stacks& stacks, const std::string& name) {
  all.push_back(resource(root + "/" + name + "/status", name + "-status",
                         "what runs of stack " + name, "application/json"));
  const auto place = stacks.find(name);
  if (!place)
    return;
  const auto folder = state::Folder::open(place.value().host.world, place.value().state_folder);
  if (!folder)
    return;
  auto ids = folder.value().operation_ids();
  if (!ids)
    return;
  auto& newest = ids.value();
  std::ranges::reverse(newest);
  newest.resize(std::min(newest.size(), reports_shown));
  for (const std::string& id : newest)
    all.push_back(resource(root + "/" + name + "/reports/" + id, name + "-report-" + id,
                           "why operation " + id + " of stack " + name + " went as it went",
                           "application/json"));
}

Error no_such(const std::string& address) {
  return {ErrorKind::not_found,
          "there is no resource '" + base::printable(address.substr(0, 200)) + "'", ""};
}

Result<Opened> open_list(errands::Stacks& stacks) {
  json all = json::array();
  for (const errands::KnownStack& stack : stacks.look())
    all.push_back(
        {{"stack", stack.name}, {"config", stack.config_path}, {"problem", stack.problem}});
  return Opened{[shown = json{{"stacks", all}}]() -> Result<std::optional<json>> {
    return std::optional{shown};
  }};
}

} // namespace

Result<Page> list_resources(errands::Stacks& stacks, const std::string& cursor) {
  const auto& known = stacks.look();
  std::vector<std::string> names;
  for (const errands::KnownStack& stack : known)
    if (!stack.name.empty() && stack.problem.empty())
      names.push_back(stack.name);
  std::size_t from = 0;
  if (!cursor.empty()) {
    const bool is_number = cursor.size() < 8 &&
                           std::ranges::all_of(cursor, [](char c) { return c >= '0' && c <= '9'; });
    from = is_number ? std::stoul(cursor) : 0;
    if (from == 0 || from % stacks_of_page != 0)
      return Error{ErrorKind::invalid_input, "that cursor was not given out here", ""};
  }
  Page page;
  if (from == 0)
    page.resources.push_back(
        resource(root, "stacks", "the stacks that this server knows", "application/json"));
  for (std::size_t i = from; i < std::min(names.size(), from + stacks_of_page); ++i)
    add_stack(page.resources, stacks, names[i]);
  if (from + stacks_of_page < names.size())
    page.next = std::to_string(from + stacks_of_page);
  return page;
}

json resource_templates() {
  return json::array({{{"uriTemplate", root + "/{stack}/status"},
                       {"name", "status"},
                       {"description", "what runs of a stack"},
                       {"mimeType", "application/json"}},
                      {{"uriTemplate", root + "/{stack}/reports/{operation}"},
                       {"name", "report"},
                       {"description", "why an operation went as it went"},
                       {"mimeType", "application/json"}}});
}

Result<Opened> open_resource(errands::Stacks& stacks, const std::string& address) {
  if (address == root)
    return open_list(stacks);
  if (!address.starts_with(root + "/"))
    return no_such(address);
  const auto parts = base::split(address.substr(root.size() + 1), '/');
  std::vector<std::string> arguments;
  if (parts.size() == 2 && parts[1] == "status")
    arguments = {"status"};
  else if (parts.size() == 3 && parts[1] == "reports" && errands::is_id(parts[2]))
    arguments = {"report", parts[2]};
  else
    return no_such(address);
  const auto place = stacks.find(parts[0]);
  if (!place)
    return no_such(address);
  return Opened{TRY(ask(place.value(), arguments, [](errands::Said said) {
    return said.lines.empty() ? json::object() : std::move(said.lines.front());
  }))};
}

} // namespace mcp
