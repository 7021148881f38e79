#include "repo/keys.hpp"

namespace repo {

using backend::FileKind;
using base::Error;
using base::ErrorKind;
using base::Result;
using format::Id;

Result<std::vector<KeyInfo>> list_keys(Repository& repository) {
  std::vector<KeyInfo> keys;
  for (const backend::Listed& file : TRY(repository.backend().list(FileKind::key))) {
    const backend::FileName name{FileKind::key, file.id};
    const std::string json = TRY(repository.backend().load(name));
    keys.push_back({file.id, TRY_CONTEXT(format::key_file_from_json(json), backend::text_of(name)),
                    file.id == repository.key_id()});
  }
  return keys;
}

Result<Id> add_key(Repository& repository, std::string_view password) {
  const Ports& ports = repository.ports();
  const world::Identity self = ports.machine.identity();
  const std::string json = format::to_json(
      format::lock_up(repository.key(), password,
                      {self.user, self.host, format::Time::of(ports.clock.now())}, ports.random));
  const backend::FileName name{FileKind::key, format::id_of(json)};
  TRY(repository.backend().save(name, json));
  // Nobody is told of a password that does not open it.
  const std::string back = TRY(repository.backend().load(name));
  const format::KeyFile file = TRY(format::key_file_from_json(back));
  const format::Key key = TRY(format::unlock(file, password, ports.random));
  if (key != repository.key())
    return Error{ErrorKind::corrupt, "the new key file holds another key", ""};
  return name.id;
}

Result<Id> remove_key(Repository& repository, const std::string& name) {
  const KeyInfo* found = nullptr;
  const auto keys = TRY(list_keys(repository));
  for (const KeyInfo& key : keys)
    if (!name.empty() && key.id.hex().starts_with(name)) {
      if (found != nullptr)
        return Error{ErrorKind::invalid_input, "several keys begin with '" + name + "'",
                     "Give more digits of its id."};
      found = &key;
    }
  if (found == nullptr)
    return Error{ErrorKind::not_found, "there is no key '" + name + "'",
                 "List them with 'belay repo key list'."};
  if (found->is_current)
    return Error{ErrorKind::invalid_input, "the key '" + name + "' is the one in use",
                 "Open the repository with another password to remove it."};
  TRY(repository.backend().remove({FileKind::key, found->id}));
  return found->id;
}

Result<Id> change_password(Repository& repository, std::string_view password) {
  const Id made = TRY(add_key(repository, password));
  TRY(repository.backend().remove({FileKind::key, repository.key_id()}));
  return made;
}

} // namespace repo
