#pragma once
// Argv: texts in the form that execve and posix_spawn take.

#include <string>
#include <vector>

namespace os {

// Ends with a null pointer; valid as long as `texts` is neither changed nor gone.
inline std::vector<char*> argv_of(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts)
    pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

} // namespace os
