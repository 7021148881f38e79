#pragma once
// Sftp: a repository on a server that ssh reaches, in a folder laid out as the local one.

#include "repo/backend/place.hpp"

namespace repo::backend {

// `place.location`: "sftp:user@host:/path" (without '/': below the user's home), or
// "sftp://user@host:port/path", where a path from the root has two slashes, as restic has it.
// Who logs in, with which key, and which host key is right is what ssh's own configuration says;
// ssh is called so that it cannot ask (BatchMode). Options: sftp.args are more words for ssh;
// sftp.command is the whole command, with a server of SFTP at its standard input and output.
// Files are written beside their place, synced if the server can, then renamed.
base::Result<std::unique_ptr<Backend>> open_sftp(const Place& place, const PlacePorts& ports);

struct SftpPlace {
  std::string user; // empty: what ssh is set up for
  std::string host;
  std::string port; // empty: the same
  std::string path;
};
// invalid_input.
base::Result<SftpPlace> parse_sftp_place(std::string_view location);

} // namespace repo::backend
