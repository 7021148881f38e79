#pragma once
// Options of stores; a part of the one table in options.cpp.

#include "config/options.hpp"

#include <array>

namespace config {

inline constexpr std::array store_options{
    Option{.key = "directory",
           .type = Type::path,
           .doc = "A folder with everything below it.",
           .is_alternative = true},
    Option{.key = "volume",
           .type = Type::text,
           .doc =
               "A volume of the container engine, by its name; or, beginning with `/` or `./`, a "
               "folder that containers mount: docs/guide/docker.md.",
           .is_alternative = true},
    Option{.key = "sqlite",
           .type = Type::path,
           .doc = "An SQLite database file.",
           .is_alternative = true},
    Option{.key = "postgres",
           .type = Type::section,
           .doc = "A PostgreSQL database: docs/guide/postgres.md.",
           .shape = "postgres",
           .is_alternative = true},
    Option{.key = "redis",
           .type = Type::section,
           .doc = "The data of a Redis server: docs/guide/redis.md.",
           .shape = "redis",
           .is_alternative = true},
    Option{.key = "driver",
           .type = Type::words,
           .doc = "A program of your own that looks after the data, as a list of words: see "
                  "docs/formats/driver-protocol.md. The name of the request is added to them.",
           .is_alternative = true},
    Option{.key = "env",
           .type = Type::variables,
           .by_default = "{}",
           .doc = "Variables for the driver; secret references as for a service.",
           .only_with = "driver"},
    Option{.key = "timeout",
           .type = Type::duration,
           .by_default = "10m",
           .doc = "For one request to the driver.",
           .only_with = "driver",
           .low = 1,
           .high = day},
    Option{.key = "exclude",
           .type = Type::inner_paths,
           .by_default = "[]",
           .doc = "Paths inside it that are kept out and left alone. With a store of its own among "
                  "them, its kept copies and SQLite's -wal, -shm and -journal files are left "
                  "out too.",
           .only_with = "directory volume"},
    Option{.key = "layout",
           .type = Type::inner_paths,
           .by_default = "[]",
           .doc = "Files inside it that tell the layout of the data: when none of them changed, "
                  "the data may stay on a way back. Without any, every change brings it back.",
           .only_with = "directory volume"},
    Option{.key = "ledger",
           .type = Type::text,
           .doc = "A SELECT whose first column names the migrations that were applied, in their "
                  "order. The tables of the known migration tools are found without it.",
           .only_with = "sqlite postgres"},
};

inline constexpr std::array redis_options{
    Option{.key = "data",
           .type = Type::text,
           .doc = "Where the server keeps its files (its `dir`): a volume of the container engine, "
                  "by its name; or, beginning with `/` or `./`, a folder.",
           .is_required = true},
    Option{.key = "socket", .type = Type::path, .doc = "Path of its UNIX socket."},
    Option{.key = "host",
           .type = Type::text,
           .by_default = "127.0.0.1",
           .doc = "Its name or address, when there is no `socket`."},
    Option{.key = "port",
           .type = Type::integer,
           .by_default = "6379",
           .doc = "Its port.",
           .low = 1,
           .high = 65535},
    Option{.key = "user", .type = Type::text, .doc = "Name of an ACL user."},
    Option{.key = "password", .type = Type::secret, .doc = "Its password (`requirepass`)."},
    Option{.key = "server",
           .type = Type::words,
           .by_default = "[redis-server]",
           .doc = "What runs a throwaway server of the same version, which loads each copy once; "
                  "its options are added. In a container: [docker, run, --rm, --network, none, "
                  "-v, \"{folder}:{folder}\", \"redis:7\", redis-server]."},
    Option{.key = "timeout",
           .type = Type::duration,
           .by_default = "10m",
           .doc = "For one save, and for one load.",
           .low = 1000,
           .high = day},
};

inline constexpr std::array postgres_options{
    Option{.key = "database",
           .type = Type::text,
           .doc = "Name of the database.",
           .is_alternative = true},
    Option{.key = "data",
           .type = Type::path,
           .doc =
               "Instead of one database the data folder of a whole server of this machine, which "
               "is a part of the stack and shut down with its services. The way back is an "
               "exchange of folders. A backup copies it while the server runs.",
           .is_alternative = true},
    Option{.key = "host",
           .type = Type::text,
           .doc = "Name or address of the server, or the folder of its socket. Without it, what "
                  "libpq does: the local socket.",
           .only_with = "database"},
    Option{.key = "port",
           .type = Type::integer,
           .doc =
               "Its port; that of a socket is in the socket's name. Without it, what libpq does: "
               "5432.",
           .only_with = "database",
           .low = 1,
           .high = 65535},
    Option{.key = "user",
           .type = Type::text,
           .doc = "The role: best the owner of the database, with CREATEDB. Without it, what libpq "
                  "does: the name of the user that belay runs as. With `data`: a superuser of the "
                  "server, or a role with REPLICATION and the grants that the guide names; "
                  "`postgres` without it."},
    Option{.key = "password",
           .type = Type::secret,
           .doc = "Its password, for the environment of the tools (PGPASSWORD). Behind `through` "
                  "it must be let through: [docker, exec, -i, -e, PGPASSWORD, db]."},
    Option{.key = "sslmode",
           .type = Type::choice,
           .doc = "How a connection is encrypted. Only `verify-full` is safe on a network. Without "
                  "it, what libpq does: `prefer`.",
           .values = "disable allow prefer require verify-ca verify-full",
           .only_with = "database"},
    Option{.key = "ssl_root",
           .type = Type::path,
           .doc = "File of the certificates that `verify-ca` and `verify-full` trust. Without it, "
                  "what libpq does.",
           .only_with = "database"},
    Option{.key = "through",
           .type = Type::words,
           .doc = "What runs the tools where the server is, as a list of words: [docker, exec, -i, "
                  "db], [kubectl, exec, -i, db-0, --], [ssh, host]. It must hand on standard "
                  "input.",
           .only_with = "database"},
    Option{.key = "tools",
           .type = Type::path,
           .doc = "Folder of psql, pg_dump and pg_restore, of the server's version or newer. "
                  "Without it they are looked up in PATH. With `data`: of all programs of the "
                  "server, of just its version; without it, where packages put them."},
    Option{.key = "maintenance",
           .type = Type::text,
           .by_default = "postgres",
           .doc = "The database that belay is connected to while it renames others.",
           .only_with = "database"},
    Option{.key = "method",
           .type = Type::choice,
           .by_default = "auto",
           .doc = "How it is kept for the way back. `clone`: as a second database on the same "
                  "server; the way back is two renames. `dump`: as a dump that was restored once. "
                  "`auto`: a clone where the role may and there is room.",
           .values = "auto clone dump",
           .only_with = "database"},
    Option{.key = "sample_above",
           .type = Type::size,
           .by_default = "4GiB",
           .doc = "A larger database is compared by a sample of its rows, beside exact counts.",
           .only_with = "database"},
    Option{.key = "timeout",
           .type = Type::duration,
           .by_default = "6h",
           .doc = "For one dump, one restore, one copy or one proof.",
           .low = 1000,
           .high = 7 * day},
    Option{.key = "fence_timeout",
           .type = Type::duration,
           .by_default = "30s",
           .doc = "How long other sessions of the database may take to go, once they were ended.",
           .only_with = "database",
           .low = 100,
           .high = hour},
};

} // namespace config
