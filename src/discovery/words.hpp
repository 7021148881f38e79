#pragma once
// Words: commands as lists of words, and how a word is written without what must stay secret.

#include "base/result.hpp"
#include "discovery/evidence.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace discovery {

// Words as a shell would part them: blanks, quotes, backslashes. nullopt: only a shell could run
// it, because of a variable outside single quotes, a pipe, a pattern, a second command or a quote
// that never closes.
std::optional<std::vector<std::string>> split_command(std::string_view text);

// A variable or an option of this name usually holds a secret.
bool is_secret_name(std::string_view name);
// "postgres" of "postgres://user@host/db"; empty when it is no URL.
std::string scheme_of(std::string_view value);

std::string lowered(std::string_view text); // a-z of A-Z
// As belay.yaml writes a text in which no variable is meant.
std::string dollars_doubled(std::string_view text);

// Writes words as belay.yaml holds them. It knows the values of a .env, so that a command line that
// repeats one is written as "${NAME}".
class Writer {
public:
  void know(const std::vector<std::pair<std::string, std::string>>& variables);
  // A secret that no variable holds becomes "${NAME-}", which is empty until someone sets it.
  std::vector<std::string> write(const std::vector<std::string>& words) const;

private:
  std::string write_text(std::string_view text) const;
  std::string write_word(const std::string& word, const std::string& before) const;
  std::vector<std::pair<std::string, std::string>> variables_; // name, value
};

// Names in belay.yaml of a-z, 0-9 and '-': "My Shop_2" is "my-shop-2"; empty when nothing is left.
std::string slug(std::string_view text);

struct Label { // of "shop-1.4.2.tar.gz": "shop-", "1.4.2", ".tar.gz"
  std::string before;
  std::string label;
  std::string after;
};
// A name of a folder or an archive that ends in a version; nullopt: it does not.
std::optional<Label> label_in(const std::string& name, bool is_archive);
bool is_older(const std::string& a, const std::string& b); // "1.9" before "1.10"

} // namespace discovery
