#include "mcp/message.hpp"

#include <gtest/gtest.h>

namespace mcp {
namespace {

TEST(Message, RequestsNotificationsAndResponsesAreToldApart) {
  const Read request = read_message(R"({"jsonrpc":"2.0","id":7,"method":"ping"})");
  ASSERT_TRUE(request.message);
  EXPECT_EQ(request.message->kind, Message::Kind::request);
  EXPECT_EQ(request.message->id, 7);
  EXPECT_TRUE(request.message->params.is_object());
  const Read told = read_message(R"({"jsonrpc":"2.0","method":"x","params":{"a":1}})");
  ASSERT_TRUE(told.message);
  EXPECT_EQ(told.message->kind, Message::Kind::notification);
  EXPECT_EQ(told.message->params["a"], 1);
  const Read answer = read_message(R"({"jsonrpc":"2.0","id":"a","result":{}})");
  ASSERT_TRUE(answer.message);
  EXPECT_EQ(answer.message->kind, Message::Kind::response);
}

TEST(Message, WhatIsNoneIsRefusedWithTheIdWhenItCouldBeRead) {
  EXPECT_EQ(read_message("{").refusal.code, parse_error);
  EXPECT_TRUE(read_message("{").refusal.id.is_null());
  EXPECT_EQ(read_message("[]").refusal.code, invalid_request);
  const Read params = read_message(R"({"jsonrpc":"2.0","id":"a","method":"x","params":7})");
  EXPECT_EQ(params.refusal.code, invalid_params);
  EXPECT_EQ(params.refusal.id, "a");
  EXPECT_FALSE(read_message(R"({"jsonrpc":"2.0","id":1.5,"method":"x"})").message);
  EXPECT_FALSE(read_message(R"({"jsonrpc":"2.0","id":null,"method":"x"})").message);
}

TEST(Message, DeepOnesAreRefusedBeforeTheyAreBuilt) {
  const std::string deep =
      R"({"jsonrpc":"2.0","id":1,"method":"x","params":{"a":)" + std::string(100'000, '[');
  EXPECT_EQ(read_message(deep).refusal.code, invalid_request);
  const std::string text =
      R"({"jsonrpc":"2.0","id":1,"method":"x","params":{"a":")" + std::string(1000, '[') + "\"}}";
  EXPECT_TRUE(read_message(text).message); // they are in a text
}

TEST(Message, AnswersAreOneLineWhateverIsInThem) {
  EXPECT_EQ(result_line(1, {{"a", "b\nc\xff"}}).find('\n'), std::string::npos);
  const auto refused = nlohmann::json::parse(error_line({nullptr, busy, "later"}));
  EXPECT_EQ(refused["error"]["code"], busy);
  EXPECT_TRUE(refused["id"].is_null());
  EXPECT_FALSE(refused["error"].contains("data"));
}

} // namespace
} // namespace mcp
