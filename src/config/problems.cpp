#include "config/problems.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <tuple>

namespace config {

void Problems::add(Mark mark, std::string message, const std::string& hint) {
  message = base::printable(message); // it quotes what the file says, and goes to a terminal
  const auto is_same = [&](const Problem& known) {
    return known.mark == mark && known.message == message;
  };
  if (std::ranges::none_of(list_, is_same))
    list_.push_back({mark, std::move(message), base::printable(hint)});
}

std::string Problems::place(Mark mark) const {
  return file_ + ":" + std::to_string(mark.line) + ":" + std::to_string(mark.column);
}

base::Error Problems::error() const {
  CHECK(any());
  constexpr std::size_t told_max = 10;
  std::vector<Problem> sorted = list_;
  std::ranges::stable_sort(sorted, [](const Problem& a, const Problem& b) {
    return std::tie(a.mark.line, a.mark.column) < std::tie(b.mark.line, b.mark.column);
  });
  if (sorted.size() == 1)
    return {base::ErrorKind::invalid_input, place(sorted[0].mark) + ": " + sorted[0].message,
            sorted[0].hint};
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < std::min(sorted.size(), told_max); ++i)
    lines.push_back(place(sorted[i].mark) + ": " + sorted[i].message +
                    (sorted[i].hint.empty() ? "" : " (" + sorted[i].hint + ")"));
  if (sorted.size() > told_max)
    lines.push_back("and " + std::to_string(sorted.size() - told_max) + " more");
  return {base::ErrorKind::invalid_input, base::join(lines, "\n"),
          "Correct these " + std::to_string(sorted.size()) + " places in '" + file_ + "'."};
}

std::string quoted(const std::string& text) {
  return "'" + text + "'";
}

std::string shortened(const std::string& text) {
  constexpr std::size_t shown_max = 60;
  return text.size() <= shown_max ? text : text.substr(0, shown_max) + "...";
}

} // namespace config
