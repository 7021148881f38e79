#include "drivers/probe/windows.hpp"

#include <utility>

namespace drivers::probe {
namespace {

double growth(const Counters& before, const Counters& now) {
  double sum = 0;
  for (const auto& [series, value] : now) {
    const auto found = before.find(series);
    const bool goes_on = found != before.end() && found->second <= value;
    sum += goes_on ? value - found->second : value;
  }
  return sum;
}

} // namespace

Growth Windows::add(const std::string& probe, world::Milliseconds now, world::Milliseconds window,
                    Counters part, Counters whole) {
  const auto [at, is_new] = windows_.try_emplace(probe);
  Window& kept = at->second;
  if (is_new) {
    kept.newest.at = now;
  } else {
    kept.newest = {now, kept.newest.part + growth(kept.part, part),
                   kept.newest.whole + growth(kept.whole, whole)};
  }
  kept.part = std::move(part);
  kept.whole = std::move(whole);
  if (kept.looks.empty() || now - kept.looks.back().at >= window / 1000)
    kept.looks.push_back(kept.newest);
  while (kept.looks.size() > 1 && now - kept.looks[1].at >= window)
    kept.looks.pop_front();
  const Look& first = kept.looks.front();
  return {kept.newest.part - first.part, kept.newest.whole - first.whole, now - first.at};
}

} // namespace drivers::probe
