#include "sweep/printable.h"

#include <gtest/gtest.h>

namespace reprise {
namespace {

TEST(Printable, LeavesNothingThatATerminalObeys) {
  EXPECT_EQ(printable(std::string("a\0b\tc\nd\re\x1b[2Jf\x7f", 15)),
            "a\\u0000b\\u0009c\\nd\\u000de\\u001b[2Jf\\u007f");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31mred"),
            "\\u009b31mred");
  for (int c = 0; c < 256; ++c) {
    const std::string shown = printable(std::string(1, static_cast<char>(c)));
    EXPECT_EQ(shown.size() == 1, c >= 0x20 && c != 0x7f) << c;
  }
}

TEST(Printable, LeavesLettersOfAllScripts) {
  const std::string text = "\u00e9\u4e2d\U0001f600 \u00a0 \\n \"quoted\"";
  EXPECT_EQ(printable(text), text);
  EXPECT_EQ(printable("\xc2"), "\xc2");  // Cut in the middle.
  EXPECT_EQ(printable(printable("a\nb")), printable("a\nb"));
}

}  // namespace
}  // namespace reprise
