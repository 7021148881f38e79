#pragma once
// MetricsText: one family after the other, as Prometheus reads them.

#include <array>
#include <cstdio>
#include <string>
#include <string_view>

namespace serve {

class MetricsText {
public:
  explicit MetricsText(std::string prefix) : prefix_{std::move(prefix)} {}

  // Help and type once, then a line for each thing that has a value.
  void family(const char* name, const char* type, const char* help) {
    name_ = prefix_ + name;
    text_ += "# HELP " + name_ + " " + help + "\n# TYPE " + name_ + " " + type + "\n";
  }
  void line(const std::string& labels, double value) {
    std::array<char, 32> number{};
    std::snprintf(number.data(), number.size(), "%.15g", value);
    text_ += name_ + (labels.empty() ? "" : "{" + labels + "}") + " " + number.data() + "\n";
  }
  const std::string& text() const { return text_; }

private:
  std::string prefix_;
  std::string name_;
  std::string text_;
};

} // namespace serve
