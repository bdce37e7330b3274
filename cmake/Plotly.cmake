# plotly.min.js from the pinned PyPI wheel `plotly` (./reprise setup installs it beside LibTorch).
find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter)
set(REPRISE_PLOTLY "" CACHE FILEPATH "plotly.min.js of the PyPI wheel plotly 7.1.0")
if(NOT REPRISE_PLOTLY)
  file(GLOB _plotly $ENV{REPRISE_DEPS}/venv/lib/python3*/site-packages/plotly/package_data/plotly.min.js
                    $ENV{HOME}/.cache/reprise/venv/lib/python3*/site-packages/plotly/package_data/plotly.min.js)
  if(_plotly)
    list(GET _plotly 0 _first)
    set(REPRISE_PLOTLY ${_first} CACHE FILEPATH "" FORCE)
  endif()
endif()
if(NOT EXISTS "${REPRISE_PLOTLY}")
  message(FATAL_ERROR "plotly.min.js not found: run ./reprise setup, or set REPRISE_PLOTLY to the "
                      "package_data/plotly.min.js of the PyPI wheel plotly 7.1.0")
endif()
