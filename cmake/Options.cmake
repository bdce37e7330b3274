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
if(REPRISE_SANITIZE)
  target_compile_definitions(reprise_options INTERFACE REPRISE_SANITIZED=1)
  target_compile_options(reprise_options INTERFACE -fsanitize=${REPRISE_SANITIZE}
                                                   -fno-sanitize-recover=all)
  target_link_options(reprise_options INTERFACE -fsanitize=${REPRISE_SANITIZE})
endif()

# reprise_library(<name> SOURCES a.cpp ... [PUBLIC lib ...] [PRIVATE lib ...])
function(reprise_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC reprise_options ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
endfunction()
