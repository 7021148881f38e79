#pragma once
// Draft: evidence and answers made into the text of a belay.yaml. Pure: nothing is looked at.

#include "base/result.hpp"
#include "discovery/evidence.hpp"

#include <map>
#include <string>
#include <vector>

namespace discovery {

// What a person is asked, and by which keys `--answer KEY=VALUE` answers.
//   stack    name of the stack
//   run      the command of the service, quoted as in a shell: "python3 ./app.py --port 80"
//   release  a folder or an archive with {to} in its path, or `git`
//   ready    a URL, HOST:PORT, or `process`
//   data     paths of folders and SQLite files, with ',' between; or `none`
using Answers = std::map<std::string, std::string, std::less<>>;
const std::vector<std::string>& answer_keys();

struct Question {
  std::string key;
  std::string text;    // a full sentence
  std::string guess;   // taken when nothing is answered; empty: it must be answered
  std::string example; // of an answer, for the hint
};

struct Draft {
  std::string stack;
  std::string text;                // of belay.yaml; empty while a question without a guess is open
  std::vector<Question> questions; // the open ones, in the order in which they are asked
  std::vector<std::string> notes;  // what a person must know before the first upgrade
  std::vector<std::string> next;   // commands, in order
};

// invalid_input: an answer has an unknown key or cannot be understood.
base::Result<Draft> draft(const Seen& seen, const Answers& answers);

} // namespace discovery
