# Fuzzing, with clang's libFuzzer under AddressSanitizer and UndefinedBehaviorSanitizer:
#   cmake -B build-fuzz -DGRADSMITH_FUZZ=ON -DCMAKE_C_COMPILER=clang
# builds only this: every tests/fuzz/fuzz_NAME.c is a program fuzz/NAME of the build folder. tests/fuzz/corpus/NAME holds
# its seeds, among them the inputs that once were mishandled. ctest runs each for GRADSMITH_FUZZ_RUNS inputs;
# tests/fuzz/run.sh does so for as many as are wanted.
if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
  message(FATAL_ERROR "GRADSMITH_FUZZ needs clang: -DCMAKE_C_COMPILER=clang")
endif()
set(GRADSMITH_FUZZ_RUNS 100000 CACHE STRING "How many inputs ctest gives to each parser")
gradsmith_glob(targets "tests/fuzz/fuzz_*.c")
enable_testing()
foreach(source IN LISTS targets)
  cmake_path(GET source STEM stem)
  string(REGEX REPLACE "^fuzz_" "" name "${stem}")
  add_executable(${stem} ${source})
  set_target_properties(${stem} PROPERTIES OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY fuzz)
  target_link_libraries(${stem} PRIVATE gradsmith_settings gradsmith_objects)
  target_link_options(${stem} PRIVATE -fsanitize=fuzzer)
  add_test(NAME fuzz/${name} COMMAND bash "${PROJECT_SOURCE_DIR}/tests/fuzz/run.sh" $<TARGET_FILE:${stem}>
    ${GRADSMITH_FUZZ_RUNS})
  set_tests_properties(fuzz/${name} PROPERTIES LABELS fuzz TIMEOUT 300 SKIP_RETURN_CODE 77)
endforeach()
