#include "repo/format/time.hpp"

#include <array>
#include <charconv>
#include <cstdio>

namespace repo::format {

using base::Error;
using base::ErrorKind;
using base::Result;

namespace {

constexpr std::int64_t day_seconds = 86'400;
constexpr std::uint32_t second_nanoseconds = 1'000'000'000;

// Days since 1970 of a date of the Gregorian calendar, and back (Howard Hinnant's algorithms:
// std::chrono's years end at 32767).
std::int64_t days_of(std::int64_t year, unsigned month, unsigned day) {
  year -= month <= 2 ? 1 : 0;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const auto year_of_era = static_cast<std::uint64_t>(year - era * 400);
  const std::uint64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const std::uint64_t day_of_era =
      year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + static_cast<std::int64_t>(day_of_era) - 719'468;
}

struct Date {
  std::int64_t year;
  unsigned month;
  unsigned day;
};

Date date_of(std::int64_t days) {
  days += 719'468;
  const std::int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const auto day_of_era = static_cast<std::uint64_t>(days - era * 146'097);
  const std::uint64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::uint64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::uint64_t shifted = (5 * day_of_year + 2) / 153;
  const auto day = static_cast<unsigned>(day_of_year - (153 * shifted + 2) / 5 + 1);
  const auto month = static_cast<unsigned>(shifted < 10 ? shifted + 3 : shifted - 9);
  return {static_cast<std::int64_t>(year_of_era) + era * 400 + (month <= 2 ? 1 : 0), month, day};
}

unsigned days_in(std::int64_t year, unsigned month) {
  const bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  constexpr std::array<unsigned, 12> days{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap ? 29 : days[month - 1];
}

} // namespace

Time Time::of(std::chrono::system_clock::time_point point) {
  const auto since = std::chrono::duration_cast<std::chrono::nanoseconds>(point.time_since_epoch());
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
  return {seconds.count(), static_cast<std::uint32_t>((since - seconds).count())};
}

std::chrono::system_clock::time_point Time::point() const {
  return std::chrono::system_clock::time_point{
      std::chrono::duration_cast<std::chrono::system_clock::duration>(
          std::chrono::seconds{seconds} + std::chrono::nanoseconds{nanoseconds})};
}

std::string format_time(const Time& time) {
  std::int64_t days = time.seconds / day_seconds;
  if (time.seconds % day_seconds < 0)
    --days;
  const auto second = static_cast<int>(time.seconds - days * day_seconds);
  Date date = date_of(days);
  if (date.year < 0 || date.year > 9999) {
    date.year = date.year < 0 ? 0 : 9999;
    if (date.day > days_in(date.year, date.month)) // the 29th of February, which it does not have
      date = {date.year, 3, 1};
  }
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d",
                static_cast<int>(date.year), date.month, date.day, second / 3600, second / 60 % 60,
                second % 60);
  std::string out = text.data();
  if (time.nanoseconds != 0) {
    std::snprintf(text.data(), text.size(), ".%09u", time.nanoseconds);
    out += text.data();
    out.resize(out.find_last_not_of('0') + 1);
  }
  return out + 'Z';
}

namespace {

class TimeParser {
public:
  explicit TimeParser(std::string_view text) : text_{text} {}

  Result<Time> run() {
    const auto year = static_cast<std::int64_t>(digits(4));
    after('-');
    const unsigned month = digits(2);
    after('-');
    const unsigned day = digits(2);
    after('T');
    const unsigned hour = digits(2);
    after(':');
    const unsigned minute = digits(2);
    after(':');
    const unsigned second = digits(2);
    Time time;
    if (at_ < text_.size() && text_[at_] == '.')
      time.nanoseconds = fraction();
    const std::int64_t offset = zone();
    if (!is_good_ || at_ != text_.size() || month < 1 || month > 12 || day < 1 ||
        day > days_in(year, month) || hour > 23 || minute > 59 || second > 60)
      return Error{ErrorKind::corrupt, "'" + std::string{text_.substr(0, 64)} + "' is no time", ""};
    const unsigned second_of_day = hour * 3600 + minute * 60 + second;
    time.seconds = days_of(year, month, day) * day_seconds + second_of_day;
    time.seconds -= offset;
    return time;
  }

private:
  unsigned digits(std::size_t count) {
    unsigned value = 0;
    for (std::size_t end = at_ + count; at_ < end; ++at_) {
      if (at_ >= text_.size() || text_[at_] < '0' || text_[at_] > '9') {
        is_good_ = false;
        return 1;
      }
      value = value * 10 + static_cast<unsigned>(text_[at_] - '0');
    }
    return value;
  }
  void after(char c) {
    if (at_ < text_.size() && text_[at_] == c)
      ++at_;
    else
      is_good_ = false;
  }
  std::uint32_t fraction() {
    ++at_;
    std::uint32_t value = 0;
    std::uint32_t unit = second_nanoseconds;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
      unit /= 10; // digits after the ninth count nothing
      value += unit * static_cast<std::uint32_t>(text_[at_] - '0');
    }
    is_good_ = is_good_ && unit != second_nanoseconds;
    return value;
  }
  std::int64_t zone() {
    if (at_ < text_.size() && text_[at_] == 'Z') {
      ++at_;
      return 0;
    }
    const bool is_west = at_ < text_.size() && text_[at_] == '-';
    after(is_west ? '-' : '+');
    const std::int64_t hours = digits(2);
    after(':');
    const std::int64_t minutes = digits(2);
    return (is_west ? -1 : 1) * (hours * 3600 + minutes * 60);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool is_good_ = true;
};

} // namespace

Result<Time> parse_time(std::string_view text) {
  return TimeParser{text}.run();
}

} // namespace repo::format
