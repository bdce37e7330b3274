# LibTorch from the pinned PyPI wheel, as plain imported targets.
#
# Torch's own CMake package is not used: it demands a CUDA toolkit and a visible GPU at configure
# time because the wheel was built with CUDA, while its CPU half needs neither.
if(NOT REPRISE_TORCH_DIR)
  file(GLOB _candidates $ENV{REPRISE_DEPS}/venv/lib/python3*/site-packages/torch
                        $ENV{HOME}/.cache/reprise/venv/lib/python3*/site-packages/torch)
  if(_candidates)
    list(GET _candidates 0 _first)
    set(REPRISE_TORCH_DIR ${_first} CACHE PATH "" FORCE)
  endif()
endif()
if(NOT EXISTS ${REPRISE_TORCH_DIR}/lib/libtorch_cpu.so)
  message(FATAL_ERROR "LibTorch not found: run ./reprise setup, or set REPRISE_TORCH_DIR to the "
                      "torch folder of a PyTorch 2.11.0 wheel")
endif()
file(STRINGS ${REPRISE_TORCH_DIR}/version.py _torch_version REGEX "^__version__")
if(NOT _torch_version MATCHES "2\\.11\\.0")
  message(FATAL_ERROR "PyTorch 2.11.0 is needed, ${REPRISE_TORCH_DIR} has ${_torch_version}")
endif()

get_filename_component(_site ${REPRISE_TORCH_DIR} DIRECTORY)
set(_torch_lib ${REPRISE_TORCH_DIR}/lib)
add_library(reprise_torch INTERFACE)
target_include_directories(reprise_torch SYSTEM INTERFACE
  ${REPRISE_TORCH_DIR}/include ${REPRISE_TORCH_DIR}/include/torch/csrc/api/include)
target_link_libraries(reprise_torch INTERFACE ${_torch_lib}/libtorch_cpu.so ${_torch_lib}/libc10.so)
# The wheel was built by GCC; clang 18 and later name some templates otherwise unless told not to.
target_compile_options(reprise_torch INTERFACE $<$<CXX_COMPILER_ID:Clang>:-fclang-abi-compat=17>)
# The wheel's libraries find their own CUDA libraries at run time; at link time they need not.
target_link_options(reprise_torch INTERFACE -Wl,--allow-shlib-undefined
                                            -Wl,-rpath,${_torch_lib})

# NCCL and the CUDA runtime: only where a toolkit is installed.
find_package(CUDAToolkit QUIET)
if(CUDAToolkit_FOUND AND EXISTS ${_torch_lib}/libtorch_cuda.so AND EXISTS ${_site}/nvidia/nccl/lib/libnccl.so.2)
  set(REPRISE_CUDA ON)
  message(STATUS "CUDA toolkit ${CUDAToolkit_VERSION}: building the CUDA and NCCL paths")
  add_library(reprise_cuda INTERFACE)
  target_compile_definitions(reprise_cuda INTERFACE REPRISE_CUDA=1)
  target_include_directories(reprise_cuda SYSTEM INTERFACE ${_site}/nvidia/nccl/include
                                                           ${CUDAToolkit_INCLUDE_DIRS})
  file(GLOB _cudart ${_site}/nvidia/cu13/lib/libcudart.so.13)
  target_link_libraries(reprise_cuda INTERFACE
    -Wl,--no-as-needed ${_torch_lib}/libtorch_cuda.so ${_torch_lib}/libc10_cuda.so -Wl,--as-needed
    ${_site}/nvidia/nccl/lib/libnccl.so.2 ${_cudart})
  target_link_options(reprise_cuda INTERFACE -Wl,-rpath,${_site}/nvidia/nccl/lib
                                             -Wl,-rpath,${_site}/nvidia/cu13/lib)
else()
  set(REPRISE_CUDA OFF)
  message(STATUS "No CUDA toolkit: building for CPU only")
endif()

# One precompiled header for everything that includes LibTorch.
file(WRITE ${CMAKE_BINARY_DIR}/torch_pch.cpp "// Only carries the precompiled header.\n")
add_library(reprise_torch_pch OBJECT ${CMAKE_BINARY_DIR}/torch_pch.cpp)
target_link_libraries(reprise_torch_pch PRIVATE reprise_options reprise_torch GTest::gtest)
target_precompile_headers(reprise_torch_pch PRIVATE
  ${PROJECT_SOURCE_DIR}/models/torch.h ${REPRISE_PRECOMPILED})

function(reprise_torch_precompiled)
  foreach(target ${ARGN})
    target_precompile_headers(${target} REUSE_FROM reprise_torch_pch)
  endforeach()
endfunction()

# reprise_torch_library(<name> SOURCES ... [PUBLIC ...] [PRIVATE ...]): a library that includes LibTorch.
function(reprise_torch_library name)
  reprise_library(${name} PLAIN ${ARGN})
  target_link_libraries(${name} PUBLIC reprise_torch)
  reprise_torch_precompiled(${name})
endfunction()
