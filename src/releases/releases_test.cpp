#include "base/digest.hpp"
#include "os/world_for_test.hpp"
#include "releases/releases.hpp"

namespace releases {
namespace {

using base::ErrorKind;
using domain::ReleaseSourceKind;

class ReleasesTest : public os::RealWorld {
protected:
  void SetUp() override {
    service.name = "shop";
    service.releases_folder = root + "/releases";
    service.release = {.kind = ReleaseSourceKind::folder, .path = root + "/dist/{to}"};
    service.run = {"./app"};
    write("dist/1/app", "#!/bin/sh\necho one\n", 0755);
    write("dist/1/doc/read", "me");
  }
  Releases releases() { return {ports(), root, "/usr/local/bin:/usr/bin:/bin"}; }
  base::Result<domain::Release> prepare(const std::string& label) {
    return releases().prepare(service, label);
  }
  // Both say the same: what cannot be prepared is said before anything is touched.
  base::Error refused(const std::string& label) {
    const auto early = releases().can_prepare(service, label);
    EXPECT_FALSE(early);
    const auto late = prepare(label);
    EXPECT_FALSE(late);
    if (early || late)
      return {ErrorKind::failed, "it was not refused", ""};
    EXPECT_EQ(early.error().message, late.error().message);
    return late.error();
  }
  bool has_left_overs(const std::string& label) {
    return exists("releases/.making-" + label) || exists("releases/" + label);
  }
  void run(std::vector<std::string> argv) {
    const auto output = processes_.run({.argv = std::move(argv), .working_folder = root});
    ASSERT_TRUE(output);
    ASSERT_EQ(output.value().exit_code, 0) << output.value().err;
  }
  void make_archive(const std::string& label) {
    run({"tar", "-czf", root + "/dist/app-" + label + ".tar.gz", "-C", root + "/dist/1", "."});
    service.release = {.kind = ReleaseSourceKind::archive, .path = root + "/dist/app-{to}.tar.gz"};
  }
  std::string digest_of(const std::string& path) {
    return trees_.file_digest(root + "/" + path).value();
  }
  void make_by(std::vector<std::string> argv) {
    service.release = {.kind = ReleaseSourceKind::command, .command = std::move(argv)};
  }
  domain::ServiceSpec service;
};

TEST_F(ReleasesTest, is_made_from_a_folder_and_found_again) {
  EXPECT_TRUE(releases().can_prepare(service, "1"));
  EXPECT_FALSE(exists("releases")); // asking makes nothing
  const auto made = prepare("1");
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made.value().folder, root + "/releases/1");
  EXPECT_EQ(made.value().digest, trees_.digest(root + "/dist/1").value());
  EXPECT_EQ(text_of("releases/1/doc/read"), "me");
  EXPECT_EQ(text_of("releases/.records/1"), "release 1\ndigest " + made.value().digest + "\n");
  EXPECT_FALSE(exists("releases/.making-1"));
  const auto inode = files_.info(root + "/releases/1").value()->inode;
  EXPECT_EQ(prepare("1").value(), made.value());
  EXPECT_EQ(files_.info(root + "/releases/1").value()->inode, inode);
  EXPECT_TRUE(releases().verify(service, made.value()));
}

TEST_F(ReleasesTest, label_cannot_lead_anywhere) {
  for (const char* label :
       {"", "current", ".records", "..", "a/b", "../../dist/1", "a b", "a\nb", "{to}"})
    EXPECT_EQ(refused(label).kind, ErrorKind::invalid_input) << label;
  EXPECT_EQ(refused(std::string(129, 'a')).kind, ErrorKind::invalid_input);
}

TEST_F(ReleasesTest, that_does_not_exist_is_not_found) {
  EXPECT_EQ(refused("2").kind, ErrorKind::not_found);
  EXPECT_NE(refused("2").message.find(root + "/dist/2"), std::string::npos);
  write("dist/3", "a file");
  EXPECT_EQ(refused("3").kind, ErrorKind::invalid_input);
  EXPECT_FALSE(has_left_overs("3"));
}

TEST_F(ReleasesTest, without_its_program_or_with_one_that_cannot_run_is_refused) {
  write("dist/2/other", "x");
  const auto absent = releases().can_prepare(service, "2");
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().kind, ErrorKind::not_found);
  EXPECT_FALSE(prepare("2"));
  EXPECT_FALSE(has_left_overs("2"));
  write("dist/2/app", "#!/bin/sh\n", 0644);
  const auto plain = prepare("2");
  ASSERT_FALSE(plain);
  EXPECT_EQ(plain.error().kind, ErrorKind::invalid_input);
  EXPECT_NE(plain.error().message.find("is not an executable file"), std::string::npos);
  EXPECT_FALSE(has_left_overs("2"));
}

TEST_F(ReleasesTest, program_must_be_inside_its_release) {
  service.run = {"../other/app"};
  EXPECT_EQ(refused("1").kind, ErrorKind::invalid_input);
  service.run = {"./app"};
  write("dist/2/other", "x");
  ASSERT_TRUE(files_.replace_link(root + "/dist/2/app", root + "/dist/1/app"));
  const auto made = prepare("2");
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().message.find("leads out of its release"), std::string::npos);
  EXPECT_FALSE(has_left_overs("2"));
  // What the system installed may be linked to, as Python's environments do.
  ASSERT_TRUE(files_.replace_link(root + "/dist/2/app", "/usr/bin/env"));
  EXPECT_TRUE(prepare("2"));
}

TEST_F(ReleasesTest, releases_folder_may_be_behind_a_link) {
  ASSERT_TRUE(files_.create_folders(root + "/elsewhere"));
  ASSERT_TRUE(files_.replace_link(root + "/releases", root + "/elsewhere"));
  const auto made = prepare("1");
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_TRUE(exists("elsewhere/1/app"));
  EXPECT_TRUE(prepare("1"));
}

TEST_F(ReleasesTest, folder_that_holds_the_releases_cannot_be_their_source) {
  service.release.path = root;
  write("app", "#!/bin/sh\n", 0755);
  EXPECT_EQ(refused("1").kind, ErrorKind::invalid_input);
}

TEST_F(ReleasesTest, half_made_is_made_again) {
  write("releases/.making-1/app", "half");
  write("releases/.records/1", "release 1\ndigest 00\n"); // the record comes before the name
  const auto made = prepare("1");
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(text_of("releases/1/app"), "#!/bin/sh\necho one\n");
  EXPECT_FALSE(exists("releases/.making-1"));
}

TEST_F(ReleasesTest, that_belay_did_not_make_is_neither_trusted_nor_touched) {
  write("releases/1/app", "#!/bin/sh\necho mine\n", 0755);
  EXPECT_EQ(refused("1").kind, ErrorKind::conflict);
  EXPECT_EQ(text_of("releases/1/app"), "#!/bin/sh\necho mine\n");
  write("releases/.records/1", "rotten");
  EXPECT_EQ(refused("1").kind, ErrorKind::conflict);
}

TEST_F(ReleasesTest, that_was_changed_is_refused) {
  const auto made = prepare("1");
  ASSERT_TRUE(made);
  write("releases/1/doc/read", "you");
  EXPECT_EQ(refused("1").kind, ErrorKind::conflict);
  const auto verified = releases().verify(service, made.value());
  ASSERT_FALSE(verified);
  EXPECT_EQ(verified.error().kind, ErrorKind::corrupt);
}

TEST_F(ReleasesTest, label_names_one_source_for_ever) {
  ASSERT_TRUE(prepare("1"));
  write("dist/1/doc/read", "something newer");
  const auto error = refused("1");
  EXPECT_EQ(error.kind, ErrorKind::conflict);
  EXPECT_NE(error.message.find("its source has changed"), std::string::npos);
  // A source that was cleaned away has not changed.
  ASSERT_TRUE(trees_.remove(root + "/dist/1"));
  EXPECT_TRUE(releases().can_prepare(service, "1"));
  EXPECT_TRUE(prepare("1"));
}

TEST_F(ReleasesTest, is_unpacked_from_an_archive_with_the_right_digest) {
  make_archive("1");
  service.release.sha256 = digest_of("dist/app-1.tar.gz");
  const auto made = prepare("1");
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(text_of("releases/1/doc/read"), "me");
  EXPECT_EQ(text_of("releases/.records/1"), "release 1\ndigest " + made.value().digest +
                                                "\nsource " + service.release.sha256 + "\n");
  ASSERT_TRUE(files_.remove(root + "/dist/app-1.tar.gz"));
  EXPECT_TRUE(prepare("1")); // nothing is needed to find it again
  service.release.sha256 = std::string(64, 'a');
  EXPECT_EQ(refused("1").kind, ErrorKind::conflict);
}

TEST_F(ReleasesTest, archive_is_looked_up_in_a_file_of_checksums) {
  make_archive("1");
  service.release.checksums = root + "/dist/SUMS-{to}";
  EXPECT_EQ(refused("1").kind, ErrorKind::not_found);
  write("dist/SUMS-1", std::string(64, '0') + "  other.tar.gz\n");
  EXPECT_NE(refused("1").message.find("has no line for 'app-1.tar.gz'"), std::string::npos);
  write("dist/SUMS-1", std::string(64, '0') + "  other.tar.gz\n" + digest_of("dist/app-1.tar.gz") +
                           " *./app-1.tar.gz\r\n");
  EXPECT_TRUE(prepare("1"));
}

TEST_F(ReleasesTest, archive_with_another_digest_is_never_unpacked) {
  make_archive("1");
  service.release.sha256 = std::string(64, 'a');
  const auto error = refused("1");
  EXPECT_EQ(error.kind, ErrorKind::invalid_input);
  EXPECT_NE(error.message.find(std::string(64, 'a')), std::string::npos);
  EXPECT_NE(error.message.find(digest_of("dist/app-1.tar.gz")), std::string::npos);
  EXPECT_FALSE(has_left_overs("1"));
}

TEST_F(ReleasesTest, archive_that_escapes_leaves_nothing_behind) {
  make_archive("1");
  run({"/usr/bin/python3", "-c",
       "import sys, tarfile\n"
       "with tarfile.open(sys.argv[1], 'w') as archive:\n"
       "    archive.add(sys.argv[2], 'app')\n"
       "    archive.add(sys.argv[2], '../../escaped')\n",
       root + "/dist/app-1.tar.gz", root + "/dist/1/app"});
  service.release.sha256 = digest_of("dist/app-1.tar.gz");
  const auto made = prepare("1");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().kind, ErrorKind::invalid_input);
  EXPECT_NE(made.error().message.find("../../escaped"), std::string::npos);
  EXPECT_FALSE(has_left_overs("1"));
  EXPECT_FALSE(exists("escaped"));
}

TEST_F(ReleasesTest, is_made_by_a_command_in_its_own_folder) {
  make_by({"/bin/sh", "-c", "cp \"$1/dist/1/app\" \"$2/app\" && echo $3 $BELAY_TO > here", "sh",
           "{project}", "{release}", "{to}"});
  EXPECT_TRUE(releases().can_prepare(service, "4.1"));
  const auto made = prepare("4.1");
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(text_of("releases/4.1/here"), "4.1 4.1\n");
  make_by({"false"}); // it is not run again
  EXPECT_EQ(prepare("4.1").value(), made.value());
}

TEST_F(ReleasesTest, command_that_fails_says_its_last_words) {
  make_by({"/bin/sh", "-c", "touch app; echo no such version >&2; exit 3"});
  const auto made = prepare("9");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().kind, ErrorKind::failed);
  EXPECT_NE(made.error().message.find("exit status 3: no such version"), std::string::npos);
  EXPECT_FALSE(has_left_overs("9"));
}

TEST_F(ReleasesTest, command_that_makes_nothing_has_failed) {
  service.run = {"node", "./red.js"};
  make_by({"true"});
  const auto made = prepare("9");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().kind, ErrorKind::failed);
  EXPECT_FALSE(has_left_overs("9"));
}

TEST_F(ReleasesTest, command_that_takes_too_long_is_an_unknown_outcome_and_is_thrown_away) {
  make_by({"/bin/sh", "-c", "touch app; exec sleep 600"});
  service.release.timeout = world::Milliseconds{200};
  const auto made = prepare("9");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().kind, ErrorKind::unknown_outcome);
  EXPECT_FALSE(has_left_overs("9"));
}

TEST_F(ReleasesTest, command_must_exist) {
  make_by({"belay-no-such-program", "{to}"});
  EXPECT_EQ(releases().can_prepare(service, "9").error().kind, ErrorKind::not_found);
  EXPECT_EQ(prepare("9").error().kind, ErrorKind::not_found);
  make_by({"./make-{to}"});
  EXPECT_FALSE(releases().can_prepare(service, "9"));
  write("make-9", "#!/bin/sh\ncp dist/1/app \"$PWD\"\n", 0755);
  EXPECT_TRUE(releases().can_prepare(service, "9"));
}

TEST_F(ReleasesTest, is_removed_whole_also_after_a_removal_that_was_cut_short) {
  ASSERT_TRUE(prepare("1"));
  ASSERT_TRUE(releases().remove(service, "1"));
  EXPECT_FALSE(has_left_overs("1"));
  EXPECT_FALSE(exists("releases/.records/1"));
  ASSERT_TRUE(releases().remove(service, "1"));
  write("releases/.making-1/app", "half removed");
  ASSERT_TRUE(releases().remove(service, "1"));
  EXPECT_FALSE(has_left_overs("1"));
}

} // namespace
} // namespace releases
