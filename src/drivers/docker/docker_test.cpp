#include "drivers/docker/client.hpp"
#include "drivers/docker/compose.hpp"
#include "drivers/docker/record.hpp"

#include <gtest/gtest.h>

namespace drivers::docker {
namespace {

std::string frame(char stream, const std::string& bytes) {
  std::string header{stream, 0, 0, 0, 0, 0, 0, 0};
  header[6] = static_cast<char>(bytes.size() >> 8U);
  header[7] = static_cast<char>(bytes.size() & 255U);
  return header + bytes;
}

TEST(Versions, AgreeOnWhatBothSpeak) {
  EXPECT_EQ(agreed_version("1.41").value(), "1.41");
  EXPECT_EQ(agreed_version("1.52").value(), "1.47");
  EXPECT_EQ(agreed_version("2.0").value(), "1.47");
  for (const char* old : {"1.24", "", "x", "1", "1.x", "1.", "-1.41", "1.999"})
    EXPECT_EQ(agreed_version(old).error().kind, base::ErrorKind::invalid_input) << old;
}

TEST(Streams, ComeApart) {
  const auto streams =
      unframed(frame(1, "one ") + frame(2, "two ") + frame(1, std::string(300, 'x')));
  ASSERT_TRUE(streams);
  EXPECT_EQ(streams.value().out, "one " + std::string(300, 'x'));
  EXPECT_EQ(streams.value().err, "two ");
  EXPECT_EQ(streams.value().both, "one two " + std::string(300, 'x'));
}

TEST(Streams, CutOffKeepWhatCame) {
  const auto streams = unframed(frame(1, "hello").substr(0, 10));
  ASSERT_TRUE(streams);
  EXPECT_EQ(streams.value().out, "he");
}

TEST(Streams, OfAnotherFormAreRefused) {
  EXPECT_FALSE(unframed("plain text, no frame"));
  EXPECT_FALSE(unframed(std::string(3, '\1')));
}

TEST(Escaped, LeavesNoWayOutOfItsPlace) {
  EXPECT_EQ(escaped("a b?c&d#e"), "a%20b%3Fc%26d%23e");
  EXPECT_EQ(escaped("shop/web:1@sha256:0f"), "shop/web:1@sha256:0f");
}

Json container() {
  return Json::parse(R"({
    "Id": "0123456789abcdef0123", "Name": "/web", "Image": "sha256:old",
    "Config": {"Hostname": "0123456789ab", "Image": "shop/web:1", "Cmd": ["/start"],
      "Entrypoint": null, "Env": ["OWN=1", "SHOP=1"], "WorkingDir": "/srv", "User": "7",
      "Volumes": {"/data": {}, "/own": {}}, "Healthcheck": {"Test": ["NONE"]},
      "Labels": {"maker": "image", "owner": "me", "belay.key": "x"}},
    "HostConfig": {"NetworkMode": "front", "Binds": ["named:/data"], "AutoRemove": true,
      "CapAdd": null, "Links": ["/db:/web/database"], 
      "RestartPolicy": {"Name": "always", "MaximumRetryCount": 0}},
    "Mounts": [{"Type": "volume", "Name": "named", "Destination": "/data", "RW": true},
      {"Type": "volume", "Name": "nameless", "Destination": "/own", "RW": false}],
    "NetworkSettings": {"Networks": {
      "front": {"Aliases": ["web", "0123456789ab"], "IPAMConfig": null, "NetworkID": "f"},
      "back": {"Aliases": null, "IPAMConfig": {"IPv4Address": "10.0.0.9"}, "NetworkID": "b"}}}})");
}

Json image() {
  return Json::parse(R"({"Config": {"Cmd": ["/start"], "Env": ["SHOP=1"], "WorkingDir": "/srv",
    "User": "", "Volumes": {"/data": {}}, "Labels": {"maker": "image"}}})");
}

TEST(Record, HoldsWhatItsOwnerSaidAndNothingOfTheImage) {
  const Record record = record_of(container(), image());
  EXPECT_EQ(record.config, Json::parse(R"({"Env": ["OWN=1"], "User": "7", "Volumes": {"/own": {}},
    "Labels": {"owner": "me"}, "Healthcheck": {"Test": ["NONE"]}})"));
  EXPECT_EQ(record.host, Json::parse(R"({"NetworkMode": "front", "Links": ["db:database"],
    "Binds": ["named:/data", "nameless:/own:ro"],
    "RestartPolicy": {"Name": "always", "MaximumRetryCount": 0}})"));
  EXPECT_EQ(record.networks, Json::parse(R"({"front": {"Aliases": ["web"]},
    "back": {"IPAMConfig": {"IPv4Address": "10.0.0.9"}}})"));
}

TEST(Record, KeepsTheArgumentsOfAnOwnEntrypoint) {
  Json own = container();
  own["Config"]["Entrypoint"] = {"/mine"};
  const Record record = record_of(own, image());
  EXPECT_EQ(record.config["Entrypoint"], Json({"/mine"}));
  EXPECT_EQ(record.config["Cmd"], Json({"/start"}));
}

TEST(Record, NamesNoHostWhereItHasNone) {
  Json own = container();
  own["Config"]["Hostname"] = "machine";
  own["HostConfig"]["NetworkMode"] = "host";
  const Record record = record_of(own, image());
  EXPECT_FALSE(record.config.contains("Hostname"));
  EXPECT_TRUE(record.networks.empty());
}

TEST(Record, IsMadeWithOneNetworkWhereTheEngineTakesOne) {
  const Record record = record_of(container(), image());
  const Json one = create_body(record, {{"belay.key", "k"}}, false);
  EXPECT_EQ(one["NetworkingConfig"]["EndpointsConfig"].size(), 1U);
  EXPECT_TRUE(one["NetworkingConfig"]["EndpointsConfig"].contains("front"));
  EXPECT_EQ(one["HostConfig"]["RestartPolicy"]["Name"], "no");
  EXPECT_EQ(one["Labels"], Json({{"belay.key", "k"}, {"owner", "me"}}));
  EXPECT_EQ(create_body(record, Json::object(), true)["NetworkingConfig"]["EndpointsConfig"].size(),
            2U);
}

TEST(Record, IdentityIsTheImageAndWhatWasSaid) {
  Record record = record_of(container(), image());
  const std::string before = digest_of(record);
  record.reference = "shop/web:other";
  EXPECT_EQ(digest_of(record), before);
  set_environment(record, {{"OWN", "1"}});
  EXPECT_EQ(digest_of(record), before);
  set_environment(record, {{"OWN", "2"}, {"NEW", ""}});
  EXPECT_EQ(record.config["Env"], Json({"OWN=2", "NEW="}));
  EXPECT_NE(digest_of(record), before);
}

// As docker-compose 1.29 writes it, and as the plugin does.
constexpr std::string_view composed[] = {R"(networks:
  front: {}
services:
  db:
    image: postgres:15
    volumes:
    - rows:/var/lib/postgresql/data:rw
  'on':
    command:
    - sh
    - -c
    - "services:\nhidden:"
    image: shop:1.0
version: '3.7'
volumes:
  logs:
    external: true
    name: logs-of-all
  rows: {}
)",
                                         R"(name: shop
services:
  db:
    image: postgres:15
  "on":
    image: shop:1.0
    build:
      context: /srv/shop
volumes:
  logs:
    name: shop_logs
  rows:
    name: shop_rows
)"};

TEST(Composed, NamesItsServicesAndVolumes) {
  for (const std::string_view text : composed) {
    EXPECT_EQ(keys_of(text, "services"), (std::vector<std::string>{"db", "on"}));
    EXPECT_EQ(keys_of(text, "volumes"), (std::vector<std::string>{"logs", "rows"}));
    EXPECT_EQ(keys_of(text, "secrets"), std::vector<std::string>{});
    EXPECT_EQ(said_of(text, "on", "image"), "shop:1.0");
    EXPECT_EQ(said_of(text, "off", "image"), "");
  }
  EXPECT_EQ(keys_of("services: {}\nvolumes: {}\n", "services"), std::vector<std::string>{});
  EXPECT_EQ(said_of(composed[1], "on", "build"), "(more)");
  EXPECT_EQ(said_of(composed[1], "db", "build"), "");
}

TEST(Record, IsReadBackAndDamageIsSeen) {
  const Record record = record_of(container(), image());
  const std::string text = text_of(record);
  const auto read = record_in(text);
  ASSERT_TRUE(read);
  EXPECT_EQ(text_of(read.value()), text);
  std::string changed = text;
  changed.replace(changed.find("OWN=1"), 5, "OWN=2");
  EXPECT_EQ(record_in(changed).error().kind, base::ErrorKind::corrupt);
  EXPECT_EQ(record_in(R"({"format": 2})").error().kind, base::ErrorKind::too_new);
  for (const char* bad : {"", "[]", "{}", R"({"format": 1})"})
    EXPECT_EQ(record_in(bad).error().kind, base::ErrorKind::corrupt) << bad;
}

} // namespace
} // namespace drivers::docker
