#include "app/redact.hpp"

#include "base/pattern.hpp"
#include "base/text.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace app {

using nlohmann::ordered_json;
using Matched = std::vector<std::string_view>;

namespace {

constexpr std::size_t anywhere_bytes_min = 4; // a shorter secret is taken out as a whole word only
constexpr std::size_t line_bytes_min = 8;     // of a secret of several lines
constexpr int depth_max = 64;

// What a name holds that promises a secret.
const std::string secret_word =
    R"((?:pass(?:word|wd|phrase)|pass\b|pwd|secret|token|credential|cookie|jwt|dsn|salt|)"
    R"(authorization|auth\b|)"
    R"((?:api|access|private|secret|signing|encryption|master|session|license|account|shared))"
    R"([_-]?key))";

base::Pattern compiled(const std::string& text) {
  auto pattern = base::Pattern::compile(text);
  CHECK(pattern);
  return std::move(pattern).value();
}

struct Rule {
  base::Pattern pattern;
  base::Pattern::Replacement with;
};

std::string keep_first(const Matched& parts) {
  return std::string{parts[1]} + std::string{redacted};
}
std::string take_all(const Matched&) {
  return std::string{redacted};
}
// Parts: the name and what joins it to the value, the value.
std::string keep_reference(const Matched& parts) {
  std::string_view value = parts[2];
  std::string_view bare = value;
  while (!bare.empty() && (bare.front() == '"' || bare.front() == '\''))
    bare.remove_prefix(1);
  if (bare.starts_with("file:") || bare.starts_with("env:"))
    return std::string{parts[0]};
  const std::string quote{value.size() > 1 && value.front() == value.back() &&
                                  (value.front() == '"' || value.front() == '\'')
                              ? value.substr(0, 1)
                              : ""};
  return std::string{parts[1]} + quote + std::string{redacted} + quote;
}

std::vector<Rule> make_rules() {
  const std::string key = R"((?:PGP )?[A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----)";
  const std::string value = R"(("(?:[^"\\]|\\.)*"?|'[^'\r\n]*'?|[^\s"'][^\s"']*))";
  std::vector<Rule> rules;
  const auto add = [&](const std::string& text, base::Pattern::Replacement with) {
    rules.push_back({compiled(text), std::move(with)});
  };
  add("(?s)-----BEGIN " + key + ".*?(?:-----END " + key + R"(|\z))", take_all);
  // The text begins inside a key, as the end of a log may.
  add(R"((?s)\A[A-Za-z0-9+/=\s]*-----END )" + key, take_all);
  add(R"(\beyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*)", take_all);
  add(R"(\b(?:gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|sk_live_|sk-|AKIA|ASIA|)"
      R"(AGE-SECRET-KEY-1)[A-Za-z0-9_-]{12,})",
      take_all);
  add(R"((?i)(https?://hooks\.slack\.com/services/|https?://[^\s/"']*/api/webhooks/)[^\s"']+)",
      keep_first);
  add(R"(([A-Za-z][A-Za-z0-9+.-]*://)[^\s/@"'<>]*@)",
      [](const Matched& parts) { return std::string{parts[1]} + std::string{redacted} + "@"; });
  // A raw password may hold any sign.
  add(R"(([A-Za-z][A-Za-z0-9+.-]*://[^\s/:@"'<>\[\]]*:)[^\s"'<>]*@)",
      [](const Matched& parts) { return std::string{parts[1]} + std::string{redacted} + "@"; });
  add(R"((?i)([?&;#][^=&;\s"']*(?:token|key|secret|pass|pwd|sig|auth|code|session|jwt|credential))"
      R"([^=&;\s"']*=)[^&;\s"'#]+)",
      keep_first);
  add(R"((?i)((?:proxy-)?authorization["']?[ \t]*[:=][ \t]*["']?)[^"'\r\n]+)", keep_first);
  add(R"((?i)((?:set-)?cookie["']?[ \t]*[:=][ \t]*["']?)[^"'\r\n]+)", keep_first);
  add(R"((?i)\b((?:bearer|basic)[ \t]+)[A-Za-z0-9._~+/=-]{8,})", keep_first);
  add("(?i)([A-Za-z0-9_.-]*" + secret_word + R"([A-Za-z0-9_.-]*["']?[ \t]*[:=][ \t]*))" + value,
      keep_reference);
  add("(?i)(--?[A-Za-z0-9-]*" + secret_word + R"([A-Za-z0-9-]*["']?(?:[ \t]*,)?[ \t]+))" + value,
      keep_reference);
  return rules;
}

std::string in_json(const std::string& secret) {
  std::string quoted =
      ordered_json(secret).dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  return quoted.substr(1, quoted.size() - 2);
}

std::string in_ascii_json(const std::string& secret) {
  std::string quoted =
      ordered_json(secret).dump(-1, ' ', true, ordered_json::error_handler_t::replace);
  return quoted.substr(1, quoted.size() - 2);
}

std::string percent_encoded(const std::string& secret, std::string_view digits) {
  std::string out;
  for (const char c : secret) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || std::string_view{"-._~"}.contains(c))
      out += c;
    else
      out += {'%', digits[byte >> 4U], digits[byte & 15U]};
  }
  return out;
}

// Without what ends it: it may be followed by more.
std::string base64(const std::string& secret) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i + 3 <= secret.size(); i += 3) {
    std::uint32_t three = 0;
    for (std::size_t j = 0; j < 3; ++j)
      three = three << 8U | static_cast<unsigned char>(secret[i + j]);
    for (int shift = 18; shift >= 0; shift -= 6)
      out += digits[three >> static_cast<unsigned>(shift) & 63U];
  }
  return out;
}

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0;
}

std::string without(std::string text, const std::string& secret) {
  const bool is_short = secret.size() < anywhere_bytes_min;
  for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret, at)) {
    const auto end = at + secret.size();
    if (is_short &&
        ((at > 0 && is_word(text[at - 1])) || (end < text.size() && is_word(text[end])))) {
      ++at;
      continue;
    }
    text.replace(at, secret.size(), redacted);
    at += redacted.size();
  }
  return text;
}

std::vector<std::string> forms_of(const std::vector<std::string>& known) {
  std::vector<std::string> all;
  const auto add = [&](const std::string& secret) {
    if (secret.empty())
      return;
    all.insert(all.end(), {secret, in_json(secret), in_ascii_json(secret),
                           percent_encoded(secret, "0123456789ABCDEF"),
                           percent_encoded(secret, "0123456789abcdef")});
    if (secret.size() >= line_bytes_min)
      all.push_back(base64(secret));
  };
  for (const std::string& secret : known) {
    add(secret);
    for (const std::string& line : base::split(secret, '\n'))
      if (line.size() >= line_bytes_min && line.size() < secret.size())
        add(line);
  }
  std::ranges::sort(all, [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() > b.size() : a < b; // one may hold another
  });
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

} // namespace

namespace {

// A password of "1" would take every 1 out of a report, and tell nobody anything.
constexpr std::size_t word_bytes_min = 4;

} // namespace

struct Redactor::Parts {
  std::vector<std::string> forms; // the longest first
  std::vector<Rule> rules = make_rules();
  base::Pattern name = compiled("(?i)" + secret_word);
  base::Pattern flag = compiled("(?i)--?[A-Za-z0-9-]*" + secret_word + "[A-Za-z0-9-]*");

  std::string words(std::string_view text, std::size_t bytes_min) const {
    std::string left{text};
    for (const std::string& form : forms)
      if (form.size() >= bytes_min)
        left = without(std::move(left), form);
    return left;
  }

  std::string text(std::string_view text) const {
    std::string left = words(text, 0);
    for (const Rule& rule : rules)
      left = rule.pattern.replace_in(left, rule.with);
    return left;
  }

  static bool is_reference(const ordered_json& value) {
    return value.is_string() && (value.get_ref<const std::string&>().starts_with("file:") ||
                                 value.get_ref<const std::string&>().starts_with("env:"));
  }

  ordered_json clean(const ordered_json& value, int depth) const {
    if (depth > depth_max)
      return redacted;
    if (value.is_string())
      return text(value.get_ref<const std::string&>());
    if (value.is_number()) { // a secret may be one
      const std::string as_text = value.dump();
      return text(as_text) == as_text ? value : ordered_json(redacted);
    }
    if (value.is_object()) {
      ordered_json cleaned = ordered_json::object();
      for (const auto& [member, inside] : value.items()) {
        const bool is_secret = name.is_found_in(member) && inside.is_primitive() &&
                               !inside.is_null() && !inside.is_boolean() && !is_reference(inside);
        cleaned[text(member)] = is_secret ? ordered_json(redacted) : clean(inside, depth + 1);
      }
      return cleaned;
    }
    if (!value.is_array())
      return value;
    ordered_json cleaned = ordered_json::array();
    bool is_behind_flag = false; // of a command: {"--password", "x"}
    for (const ordered_json& item : value) {
      cleaned.push_back(is_behind_flag && item.is_string() && !is_reference(item)
                            ? ordered_json(redacted)
                            : clean(item, depth + 1));
      is_behind_flag = item.is_string() && flag.is_all_of(item.get_ref<const std::string&>());
    }
    return cleaned;
  }
};

Redactor::Redactor(const std::vector<std::string>& known)
    : parts_{std::make_unique<const Parts>(Parts{.forms = forms_of(known)})} {}
Redactor::~Redactor() = default;
Redactor::Redactor(Redactor&&) noexcept = default;
Redactor& Redactor::operator=(Redactor&&) noexcept = default;

std::string Redactor::text(std::string_view text) const {
  return parts_->text(text);
}

std::string Redactor::words(std::string_view text) const {
  return parts_->words(text, word_bytes_min);
}

std::string Redactor::json(std::string_view document, int indent) const {
  const ordered_json value = ordered_json::parse(document, nullptr, false);
  if (value.is_discarded())
    return text(document);
  return parts_->clean(value, 0).dump(indent, ' ', false, ordered_json::error_handler_t::replace);
}

} // namespace app
