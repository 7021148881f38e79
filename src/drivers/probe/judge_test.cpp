#include "drivers/probe/judge.hpp"

#include <gtest/gtest.h>

namespace drivers::probe {
namespace {

using domain::Verdict;

domain::Reading judged(const domain::ProbeSpec& spec, int status, const std::string& body,
                       bool is_truncated = false) {
  domain::Reading reading;
  judge_answer(spec,
               {.status = status,
                .body = body,
                .is_truncated = is_truncated,
                .elapsed = world::Milliseconds{12}},
               reading);
  return reading;
}

TEST(judge_answer, status_must_be_the_wanted_one) {
  EXPECT_EQ(judged({}, 200, "").verdict, Verdict::ok);
  EXPECT_EQ(judged({}, 200, "").detail, "status 200 in 12 ms");
  EXPECT_EQ(judged({}, 204, "").verdict, Verdict::bad);
  EXPECT_EQ(judged({}, 503, "starting\n").detail, "status 503, wanted 200: starting  in 12 ms");
  EXPECT_EQ(judged({.status = 503}, 503, "").verdict, Verdict::ok);
}

TEST(judge_answer, redirect_is_not_ok_unless_it_is_asked_for) {
  for (const int status : {301, 302, 303, 307, 308}) {
    EXPECT_EQ(judged({}, status, "").verdict, Verdict::bad) << status;
    EXPECT_EQ(judged({}, status, "").detail, "a redirect, wanted 200 in 12 ms");
  }
  EXPECT_EQ(judged({.status = 302}, 302, "").verdict, Verdict::ok);
}

TEST(judge_answer, assertions_on_json) {
  const domain::ProbeSpec spec{.json = {{"status", "\"ok\""}, {"checks.db[0].ok", "true"}}};
  EXPECT_EQ(judged(spec, 200, R"({"status":"ok","checks":{"db":[{"ok":true}]}})").verdict,
            Verdict::ok);
  EXPECT_EQ(judged(spec, 200, R"({"status":"degraded"})").detail,
            "status is \"degraded\", wanted \"ok\" in 12 ms");
  EXPECT_EQ(judged(spec, 200, R"({"status":"ok"})").detail,
            "the answer has no 'checks.db[0].ok' in 12 ms");
  EXPECT_EQ(judged(spec, 200, "<html>ok</html>").verdict, Verdict::bad);
  EXPECT_EQ(judged(spec, 200, "").verdict, Verdict::bad);
}

TEST(judge_answer, that_was_cut_off_cannot_be_judged) {
  const std::string body = R"({"status":"ok"})";
  EXPECT_EQ(judged({.json = {{"status", "\"ok\""}}}, 200, body, true).verdict, Verdict::bad);
  EXPECT_EQ(judged({.contains = "ok"}, 200, body, true).verdict, Verdict::bad);
  EXPECT_EQ(judged({}, 200, body, true).verdict, Verdict::ok); // nobody looks at its body
}

TEST(judge_answer, text_must_be_in_it) {
  EXPECT_EQ(judged({.contains = "ready"}, 200, "all ready").verdict, Verdict::ok);
  EXPECT_EQ(judged({.contains = "ready"}, 200, "starting").detail,
            "the answer does not contain 'ready' in 12 ms");
}

TEST(judge_answer, value_must_be_a_number) {
  const domain::ProbeSpec spec{.value = "orders.count"};
  const auto good = judged(spec, 200, R"({"orders":{"count":312}})");
  EXPECT_EQ(good.verdict, Verdict::ok);
  EXPECT_EQ(good.number, 312.0);
  EXPECT_EQ(good.detail, "orders.count is 312 in 12 ms");
  const auto text = judged(spec, 200, R"({"orders":{"count":"312"}})");
  EXPECT_EQ(text.verdict, Verdict::bad);
  EXPECT_EQ(text.number, std::nullopt);
  EXPECT_EQ(judged(spec, 200, R"({"orders":{}})").verdict, Verdict::bad);
  EXPECT_EQ(judged(spec, 500, R"({"orders":{"count":312}})").number, std::nullopt);
}

TEST(judge_answer, detail_is_one_short_printable_line) {
  const auto reading = judged({}, 500, "\x1b[31mred\n" + std::string(10'000, 'x'));
  EXPECT_LT(reading.detail.size(), 250U);
  EXPECT_EQ(reading.detail.find('\x1b'), std::string::npos);
  EXPECT_EQ(reading.detail.find('\n'), std::string::npos);
}

} // namespace
} // namespace drivers::probe
