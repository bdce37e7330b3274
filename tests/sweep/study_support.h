#pragma once
/// What tests of studies share: what bad input is refused with, and a study.

#include <gtest/gtest.h>

#include <string>

#include "sweep/error.h"

namespace reprise::sweep {

/// Data set "d" whose loss uses the U-Net of "e".
inline const std::string kForeignUnet = R"(schema = 1
name = "s"
[datasets.d]
importer = "phantom"
[datasets.e]
importer = "phantom"
[[trials]]
row = "A"
dataset = "d"
unet_from = "e"
finetune.loss = ["l1", "e1"]
)";

/// The text of the error that `call` throws, which must say that the input is invalid; "no error"
/// where there is none.
template <typename Call>
std::string refusal_of(const Call& call) {
  try {
    (void)call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::InvalidInput);
    return error.what();
  }
  return "no error";
}

}  // namespace reprise::sweep
