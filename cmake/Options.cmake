# -Wno-restrict: GCC 12 reports it wrongly for operator+ of std::string (GCC bug 105651).
# Flags that every target of the project links: a precompiled header is only used where they agree.
add_library(reprise_options INTERFACE)
target_compile_options(reprise_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor
  -Woverloaded-virtual $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict> -Werror -fno-omit-frame-pointer
  # clang counts fields that a designated initialiser leaves to their defaults, and calls the
  # inside of GCC 12's std::stable_sort deprecated.
  $<$<CXX_COMPILER_ID:Clang>:-Wno-missing-field-initializers$<SEMICOLON>-Wno-deprecated-declarations>)
target_include_directories(reprise_options INTERFACE ${PROJECT_SOURCE_DIR})
# Of their headers almost everything is made. Asio's functions are compiled once (orchestrator/asio.cpp).
target_link_libraries(reprise_options INTERFACE Boost::json fmt::fmt)
target_compile_definitions(reprise_options INTERFACE BOOST_ASIO_SEPARATE_COMPILATION)
if(REPRISE_SANITIZE)
  target_compile_definitions(reprise_options INTERFACE REPRISE_SANITIZED=1)
  target_compile_options(reprise_options INTERFACE -fsanitize=${REPRISE_SANITIZE}
                                                   -fno-sanitize-recover=all)
  target_link_options(reprise_options INTERFACE -fsanitize=${REPRISE_SANITIZE})
endif()

# What most files include, the project's own headers aside. Not CLI11 and Asio: their constants are made in
# every file that sees them; CLI11's cost each 2.5 s.
set(REPRISE_PRECOMPILED
  <algorithm> <chrono> <cstdint> <filesystem> <fstream> <functional> <map> <memory> <mutex> <optional> <set>
  <sstream> <string> <string_view> <thread> <unordered_map> <utility> <variant> <vector>
  <boost/json.hpp> <fmt/format.h> <gtest/gtest.h>)

# One precompiled header for the control plane and its tests: every file of them reads these, at two
# seconds a time. Clang loads of it what a file uses.
file(WRITE ${CMAKE_BINARY_DIR}/reprise_pch.cpp "// Only carries the precompiled header.\n")
add_library(reprise_pch OBJECT ${CMAKE_BINARY_DIR}/reprise_pch.cpp)
target_link_libraries(reprise_pch PRIVATE reprise_options GTest::gtest)
target_precompile_headers(reprise_pch PRIVATE ${REPRISE_PRECOMPILED})

# reprise_precompiled(<target>...): these targets read the header above precompiled.
function(reprise_precompiled)
  foreach(target ${ARGN})
    target_precompile_headers(${target} REUSE_FROM reprise_pch)
  endforeach()
endfunction()

# reprise_library(<name> SOURCES a.cpp ... [PUBLIC lib ...] [PRIVATE lib ...] [PLAIN]); PLAIN: without
# the precompiled header.
function(reprise_library name)
  cmake_parse_arguments(ARG "PLAIN" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC reprise_options ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
  if(NOT ARG_PLAIN)
    reprise_precompiled(${name})
  endif()
endfunction()
