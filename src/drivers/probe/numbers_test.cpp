#include "drivers/probe/numbers.hpp"

#include <cmath>

#include <gtest/gtest.h>

namespace drivers::probe {
namespace {

using base::ErrorKind;
using domain::MetricSelector;
using domain::Take;

constexpr const char* page = R"(# HELP sowknow_http_requests_total Total requests
# TYPE sowknow_http_requests_total counter
sowknow_http_requests_total{method="GET",endpoint="/a",status="200"} 1027 1395066363000
sowknow_http_requests_total{method="GET",endpoint="/b\"\\\n",status="503",} 3
sowknow_http_requests_total{method="POST",endpoint="/a",status="500"} 4

# TYPE sowknow_disk_usage_percent gauge
sowknow_disk_usage_percent 8.15e1
# a comment
# TYPE gateway_requests counter
# TYPE backup_age gauge
backup_age NaN
  spaced	{ a = "b" , c = "d" }	+Inf
with_exemplar_bucket{le="0.1"} 8 # {trace_id="x y"} 0.05 1.5
# EOF
)";

double sum(const MetricSelector& selector) {
  const auto samples = select(page, selector);
  EXPECT_TRUE(samples) << samples.error().message;
  double all = 0;
  for (const Sample& sample : samples.value())
    all += sample.value;
  return all;
}

std::string refused(const MetricSelector& selector) {
  const auto samples = select(page, selector);
  return samples ? "found" : samples.error().message;
}

TEST(prometheus, finds_samples_by_labels) {
  EXPECT_EQ(sum({"sowknow_http_requests_total", {}}), 1034);
  EXPECT_EQ(sum({"sowknow_http_requests_total", {{"status", "200"}}}), 1027);
  EXPECT_EQ(sum({"sowknow_http_requests_total", {{"status", "~5.."}}}), 7);
  EXPECT_EQ(sum({"sowknow_http_requests_total", {{"status", "~5.."}, {"method", "GET"}}}), 3);
  EXPECT_EQ(sum({"sowknow_http_requests_total", {{"endpoint", "/b\"\\\n"}}}), 3);
  EXPECT_EQ(sum({"sowknow_http_requests_total", {{"status", "~[45]"}}}), 0); // all of it
  EXPECT_EQ(sum({"sowknow_disk_usage_percent", {}}), 81.5);
  EXPECT_EQ(sum({"with_exemplar_bucket", {}}), 8);
  EXPECT_TRUE(std::isinf(sum({"spaced", {{"a", "b"}, {"c", "d"}}})));
  EXPECT_TRUE(std::isnan(sum({"backup_age", {}})));
}

TEST(prometheus, a_metric_that_is_declared_may_have_no_samples_yet) {
  EXPECT_EQ(sum({"gateway_requests_total", {{"status", "500"}}}), 0);
}

TEST(prometheus, a_mistyped_name_or_label_is_no_zero) {
  EXPECT_EQ(refused({"sowknow_disk_usage_percnt", {}}),
            "there is no metric 'sowknow_disk_usage_percnt'; did you mean "
            "'sowknow_disk_usage_percent'?");
  EXPECT_EQ(refused({"x", {}}), "there is no metric 'x'");
  EXPECT_EQ(refused({"sowknow_http_requests_total", {{"statu", "500"}}}),
            "no sample of 'sowknow_http_requests_total' has a label 'statu'; there is "
            "sowknow_http_requests_total{method=\"GET\",endpoint=\"/a\",status=\"200\"}");
  EXPECT_NE(refused({"sowknow_http_requests_total", {{"status", "~("}}}).find("no pattern"),
            std::string::npos);
}

TEST(prometheus, refuses_what_is_no_such_page) {
  for (const char* text : {"<html>", "a{b=\"c\"", "a{b=\"c} 1", "a", "a x", "a 1 2 3", "a{b} 1",
                           "1a 1", "a{b=\"c\" d=\"e\"} 1", "{\"status\":\"ok\"}", "a 1 x"}) {
    const auto metric = find_metric(text, "a");
    ASSERT_FALSE(metric) << text;
    EXPECT_EQ(metric.error().kind, ErrorKind::invalid_input);
  }
  std::string many;
  for (int i = 0; i < 10'001; ++i)
    many += "a{i=\"" + std::to_string(i) + "\"} 1\n";
  EXPECT_FALSE(find_metric(many, "a"));
  EXPECT_TRUE(find_metric(many, "b"));
}

TEST(numbers, one_of_several_must_be_named) {
  EXPECT_EQ(take({4}, Take::one).value(), 4);
  EXPECT_FALSE(take({4, 5}, Take::one));
  EXPECT_FALSE(take({}, Take::sum));
  EXPECT_EQ(take({4, 5}, Take::sum).value(), 9);
  EXPECT_EQ(take({4, 5}, Take::min).value(), 4);
  EXPECT_EQ(take({4, 5}, Take::max).value(), 5);
}

TEST(numbers, of_an_answer_of_a_prometheus_server) {
  const auto of = [](const char* text) {
    const auto values = values_of_answer(text);
    return values ? values.value() : std::vector<double>{-1};
  };
  using Values = std::vector<double>;
  EXPECT_EQ(of(R"({"status":"success","data":{"resultType":"vector","result":[
    {"metric":{"job":"a"},"value":[1700000000.1,"0.5"]},{"metric":{},"value":[1,"2"]}]}})"),
            (Values{0.5, 2}));
  EXPECT_EQ(of(R"({"status":"success","data":{"resultType":"scalar","result":[1,"7"]}})"),
            Values{7});
  EXPECT_EQ(of(R"({"status":"success","data":{"resultType":"vector","result":[]}})"), Values{});
  const auto error = values_of_answer(R"({"status":"error","error":"parse error: x"})");
  ASSERT_FALSE(error);
  EXPECT_EQ(error.error().message, "parse error: x");
  for (const char* text :
       {"", "[]", "{}", R"({"status":"success"})", R"({"status":"success","data":{"result":3}})",
        R"({"status":"success","data":{"resultType":"matrix","result":[]}})",
        R"({"status":"success","data":{"resultType":"vector","result":[3]}})",
        R"({"status":"success","data":{"resultType":"scalar","result":[1,"x"]}})"})
    EXPECT_FALSE(values_of_answer(text)) << text;
}

TEST(numbers, the_query_is_encoded) {
  EXPECT_EQ(query_url("http://h:9090/prom/", "a{b=\"c\"} + 1"),
            "http://h:9090/prom/api/v1/query?query=a%7Bb%3D%22c%22%7D%20%2B%201");
}

TEST(numbers, lines_are_counted) {
  const auto pattern = base::Pattern::compile("ERROR|panic").value();
  const std::optional except = base::Pattern::compile("retrying").value();
  const char* text = "INFO ok\nERROR one\nERROR retrying\npanic: two";
  EXPECT_EQ(matching_lines(text, pattern, std::nullopt).count, 3U);
  const Lines lines = matching_lines(text, pattern, except);
  EXPECT_EQ(lines.count, 2U);
  EXPECT_EQ(lines.last, "panic: two");
  EXPECT_EQ(matching_lines("", pattern, except).count, 0U);
}

TEST(numbers, times_have_a_zone) {
  EXPECT_EQ(time_of("2026-02-11T10:00:00Z").value(), 1770804000);
  EXPECT_EQ(time_of("2026-02-11T11:30:00.1234567+01:30").value(), 1770804000);
  EXPECT_EQ(time_of("2026-02-11 05:00:00-0500").value(), 1770804000);
  EXPECT_EQ(time_of("1770804000").value(), 1770804000);
  EXPECT_EQ(time_of("1.770804e9").value(), 1770804000);
  EXPECT_EQ(time_of("1770804000000").value(), 1770804000);
  for (const char* text : {"", "yesterday", "2026-02-11T10:00:00", "2026-13-11T10:00:00Z",
                           "2026-02-30T10:00:00Z", "2026-02-11", "nan", "inf", "null", "-",
                           "2026-02-11T10:00:00+", "2026-02-11T10:00:00Zx", "20-6-02-11T10:00Z"})
    EXPECT_FALSE(time_of(text)) << text;
}

} // namespace
} // namespace drivers::probe
