#pragma once
// Files of tests/golden, for tests.

#include <cstdio>
#include <memory>
#include <string>

namespace engine {

// Read with stdio: tests may look at the real disk, the code under test may not.
inline std::string golden(const std::string& name) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{
      std::fopen((std::string{GOLDEN_FOLDER} + "/" + name).c_str(), "rb"), &std::fclose};
  std::string text(1U << 18U, '\0');
  text.resize(file ? std::fread(text.data(), 1, text.size(), file.get()) : 0);
  return text;
}

} // namespace engine
