#include "repo_world.hpp"

#include <cstring>

#include <openssl/evp.h>

namespace repo_sim {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using repo::backend::FileKind;
using repo::backend::FileName;
using repo::backend::Listed;
using repo::backend::text_of;

namespace {

constexpr std::int64_t second = 1000;
constexpr std::int64_t minute = 60 * second;
constexpr const char* password = "p";

// Each of these is different, unlike those of a life: a polynomial is looked for among them.
class SetUpRandom final : public world::Random {
public:
  explicit SetUpRandom(std::uint64_t seed) : random_{seed} {}
  std::string hex(std::size_t count) override { return std::string(count, 'a'); }
  void fill(std::span<unsigned char> bytes) override {
    for (unsigned char& byte : bytes)
      byte = static_cast<unsigned char>(random_());
  }

private:
  std::mt19937_64 random_;
};

// A key file whose scrypt is quick: a repository is opened many thousand times.
std::string quick_key_file(const repo::format::Key& master, world::Random& random) {
  repo::format::KeyFile file{.user = "user", .host = "here", .n = 2, .r = 1, .p = 1};
  file.salt.assign(64, 's');
  std::array<unsigned char, 64> bytes{};
  CHECK(EVP_PBE_scrypt(password, std::strlen(password),
                       reinterpret_cast<const unsigned char*>(file.salt.data()), file.salt.size(),
                       file.n, file.r, file.p, 1U << 20U, bytes.data(), bytes.size()) == 1);
  repo::format::Key key;
  std::memcpy(key.encrypt.data(), bytes.data(), 32);
  std::memcpy(key.mac_k.data(), bytes.data() + 32, 16);
  std::memcpy(key.mac_r.data(), bytes.data() + 48, 16);
  repo::format::Sealer{key, random}.seal(to_json(master), file.data);
  return to_json(file);
}

} // namespace

const char* name_of(Hurt hurt) {
  switch (hurt) {
  case Hurt::none: return "none";
  case Hurt::die_before: return "die_before";
  case Hurt::die_after: return "die_after";
  case Hurt::fail: return "fail";
  case Hurt::lie: return "lie";
  case Hurt::fail_on: return "fail_on";
  case Hurt::visit_backup: return "visit_backup";
  case Hurt::visit_prune: return "visit_prune";
  case Hurt::visit_hold: return "visit_hold";
  case Hurt::sleep: return "sleep";
  }
  return "?";
}

Result<std::string> Place::load(const FileName& name, std::uint64_t offset, std::uint64_t bytes) {
  const std::scoped_lock guard{*state_.files_mutex};
  if (trouble_ != nullptr && trouble_->is_dead)
    return Error{ErrorKind::failed, "dead", ""};
  const auto found = state_.files.at(number_).find(text_of(name));
  if (found == state_.files.at(number_).end())
    return Error{ErrorKind::not_found, "there is no '" + text_of(name) + "'", ""};
  const std::string& all = *found->second;
  return offset < all.size() ? all.substr(offset, bytes) : "";
}

Result<std::optional<std::uint64_t>> Place::size(const FileName& name) {
  const std::scoped_lock guard{*state_.files_mutex};
  const auto found = state_.files.at(number_).find(text_of(name));
  return found == state_.files.at(number_).end()
             ? std::nullopt
             : std::optional<std::uint64_t>{found->second->size()};
}

Result<> Place::save(const FileName& name, std::string_view bytes) {
  const auto content = std::make_shared<const std::string>(bytes);
  return effect(true, name, [&] { state_.files.at(number_).emplace(text_of(name), content); });
}

Result<> Place::remove(const FileName& name) {
  return effect(false, name, [&] { state_.files.at(number_).erase(text_of(name)); });
}

Result<std::vector<Listed>> Place::list(FileKind kind) {
  const std::scoped_lock guard{*state_.files_mutex};
  if (trouble_ != nullptr && trouble_->is_dead)
    return Error{ErrorKind::failed, "dead", ""};
  std::vector<Listed> all;
  const std::string text = text_of({kind, {}});
  const std::string folder = text.substr(0, text.find('/') + 1);
  const Files& files = state_.files.at(number_);
  for (auto at = files.lower_bound(folder); at != files.end() && at->first.starts_with(folder);
       ++at)
    if (const auto id = repo::format::parse_id(at->first.substr(at->first.rfind('/') + 1)))
      all.push_back({*id, at->second->size()});
  return all;
}

// What hurts before the effect. An error: it does not happen.
Result<> Place::refuse(bool is_save, const FileName& name) {
  Trouble& trouble = *trouble_;
  const Error dead{ErrorKind::failed, "dead", ""};
  if (trouble.is_dead)
    return dead;
  const std::size_t number = trouble.effects.size();
  trouble.effects.push_back((is_save ? "save " : "remove ") + location() + " " + text_of(name));
  const bool is_now = trouble.hurt != Hurt::none && number == trouble.at;
  trouble.has_fired = trouble.has_fired || is_now;
  if (is_now && trouble.visit && trouble.hurt >= Hurt::visit_backup && trouble.hurt != Hurt::sleep)
    trouble.visit(number_, trouble.hurt);
  if (is_now && trouble.hurt == Hurt::die_before) {
    trouble.is_dead = true;
    return dead;
  }
  if ((is_now && trouble.hurt == Hurt::fail) ||
      (trouble.has_fired && trouble.hurt == Hurt::fail_on))
    return Error{ErrorKind::failed, "failed (injected)", ""};
  return ok();
}

Result<> Place::effect(bool is_save, const FileName& name, const std::function<void()>& apply) {
  if (trouble_ == nullptr) {
    const std::scoped_lock guard{*state_.files_mutex};
    apply();
    return ok();
  }
  Trouble& trouble = *trouble_;
  const std::size_t number = trouble.effects.size();
  // Mostly little time goes by, and sometimes so much that a lock has to be renewed.
  clock_.sleep_for(world::Milliseconds{(state_.seed + number) % 5 == 0 ? 6 * minute : 2 * second});
  TRY(refuse(is_save, name));
  {
    const std::scoped_lock guard{*state_.files_mutex};
    apply();
  }
  if (trouble.rule && trouble.broken.empty())
    trouble.broken = trouble.rule(number_, is_save, name);
  if (trouble.hurt == Hurt::none || number != trouble.at)
    return ok();
  if (trouble.hurt == Hurt::sleep) {
    clock_.sleep_for(world::Milliseconds{40 * minute});
    trouble.visit(number_, Hurt::sleep);
  }
  if (trouble.hurt == Hurt::die_after) {
    trouble.is_dead = true;
    return Error{ErrorKind::failed, "dead", ""};
  }
  return trouble.hurt == Hurt::lie ? Result<>{Error{ErrorKind::failed, "failed (a lie)", ""}}
                                   : ok();
}

Life::Life(State& state, const std::string& host, Trouble* trouble)
    : clock_{state}, machine_{host, 100 + state.lives},
      random_{state.seed * 1'000'003 + ++state.lives}, places_{Place{state, 0, clock_, trouble},
                                                               Place{state, 1, clock_, trouble}} {}

repo::Repository& Life::open(std::size_t place) {
  auto& opened = opened_.at(place);
  if (!opened) {
    auto made = repo::Repository::open(places_.at(place), ports(), password);
    CHECK(made);
    opened = std::move(made).value();
  }
  return *opened;
}

State new_state(std::uint64_t seed) {
  static const std::array<Files, places> templates = [] {
    State state;
    Clock clock{state};
    Machine machine{"here", 1};
    SetUpRandom random{7};
    for (std::size_t number = 0; number < places; ++number) {
      Place place{state, number, clock, nullptr};
      auto made = repo::Repository::create(place, {machine, clock, random}, password);
      CHECK(made);
      Files& files = state.files.at(number);
      std::erase_if(files, [](const auto& file) { return file.first.starts_with("keys/"); });
      const std::string key = quick_key_file(made.value()->key(), random);
      CHECK(place.save({FileKind::key, repo::format::id_of(key)}, key));
    }
    return state.files;
  }();
  State state;
  state.files = templates;
  state.seed = seed;
  return state;
}

} // namespace repo_sim
