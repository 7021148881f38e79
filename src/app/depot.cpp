#include "app/depot.hpp"

#include "base/text.hpp"
#include "base/words.hpp"

namespace app {

using base::Error;
using base::ErrorKind;
using base::Result;

namespace {

constexpr std::size_t password_bytes_max = 1U << 16U;

std::string without_blanks_around(const std::string& text) {
  constexpr std::string_view blanks = " \t\r\n";
  const auto begin = text.find_first_not_of(blanks);
  return begin == std::string::npos ? ""
                                    : text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

Result<std::string> password_of_command(const Host& host, const std::string& command) {
  const auto argv = TRY(base::words_of_command(command));
  if (argv.empty())
    return Error{ErrorKind::invalid_input, "the command for the password is empty", ""};
  const world::Output output = TRY(host.world.processes.run({.argv = argv}));
  if (output.exit_code != 0)
    return Error{ErrorKind::failed,
                 "the command for the password, '" + argv.front() + "', ended with status " +
                     std::to_string(output.exit_code),
                 ""};
  return output.out;
}

repo::Ports ports_of(const Host& host, const RepoPorts& ports) {
  return {ports.machine, host.world.clock, host.world.random};
}

repo::backend::PlacePorts place_ports_of(const Host& host, const RepoPorts& ports) {
  return {host.world.files, host.world.http, ports.channels, host.world.clock, host.world.random};
}

} // namespace

Result<std::string> read_password(const Host& host, const PasswordSource& source) {
  std::string password;
  if (!source.file.empty())
    password = TRY_CONTEXT(host.world.files.read(source.file, password_bytes_max),
                           "the password of the repository");
  else if (!source.command.empty())
    password = TRY(password_of_command(host, source.command));
  else if (source.prompt)
    password = TRY(source.prompt());
  else
    return Error{ErrorKind::invalid_input, "there is no password for the repository",
                 "Name --password-file or --password-command."};
  password = without_blanks_around(password);
  if (password.empty())
    return Error{ErrorKind::invalid_input, "the password of the repository is empty", ""};
  return password;
}

Result<std::unique_ptr<Depot>> Depot::open(const Host& host, const RepoPorts& ports,
                                           const repo::backend::Place& place,
                                           const std::string& password, Trouble& trouble) {
  std::unique_ptr<Depot> depot{// NOLINT: the constructor is private
                               new Depot{TRY(open_place(place, place_ports_of(host, ports)))}};
  auto opened = repo::Repository::open(*depot->backend_, ports_of(host, ports), password);
  if (!opened && opened.error().kind == ErrorKind::not_found)
    trouble = Trouble::no_repository;
  if (!opened && opened.error().kind == ErrorKind::invalid_input)
    trouble = Trouble::wrong_password;
  depot->repository_ = TRY(std::move(opened));
  depot->repository_->use_memory(ports.memory_bytes);
  return depot;
}

Result<std::unique_ptr<Depot>> Depot::create(const Host& host, const RepoPorts& ports,
                                             const repo::backend::Place& place,
                                             const std::string& password) {
  std::unique_ptr<Depot> depot{// NOLINT: the constructor is private
                               new Depot{TRY(open_place(place, place_ports_of(host, ports)))}};
  depot->repository_ =
      TRY(repo::Repository::create(*depot->backend_, ports_of(host, ports), password));
  return depot;
}

} // namespace app
