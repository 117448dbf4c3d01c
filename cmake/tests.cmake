# Tests. tests/FOLDER/test_NAME.c is one executable, run as FOLDER/NAME; a new file needs no edit here. The other C
# files of a folder are linked with each of its tests.
#   unit            cpu      internal library
#   gpu, op, train  gpu      internal library; run on a CPU driver (lavapipe), under validation layers
#   api, cli        gpu      public headers and the shared library only
#   fault           gpu      internal library; its allocations can be made to fail
#   radv            radv     AMD's compiler, without hardware
# tests/FOLDER/NAME.comp is embedded for the tests of the folder, like the kernels of the library: "shaders/NAME.h".
# tests/FOLDER/test_NAME.sh is run by bash. Each example is run too, by tests/example/test_NAME.sh where there
# is one. Exit code 77 means skipped; the test prints why.

# Drivers that are CPUs, so that results do not depend on the machine's GPU.
find_file(GRADSMITH_LAVAPIPE_ICD NAMES lvp_icd.${CMAKE_SYSTEM_PROCESSOR}.json lvp_icd.json
  PATHS /usr/share/vulkan/icd.d /usr/local/share/vulkan/icd.d /etc/vulkan/icd.d NO_DEFAULT_PATH)
find_file(GRADSMITH_SWIFTSHADER_ICD NAMES vk_swiftshader_icd.json
  PATHS /usr/lib/chromium /usr/lib/chromium-browser /usr/lib64/chromium-browser NO_DEFAULT_PATH)
find_file(GRADSMITH_VALIDATION_LAYER NAMES VkLayer_khronos_validation.json
  PATHS /usr/share/vulkan/explicit_layer.d /usr/local/share/vulkan/explicit_layer.d NO_DEFAULT_PATH)
mark_as_advanced(GRADSMITH_LAVAPIPE_ICD GRADSMITH_SWIFTSHADER_ICD GRADSMITH_VALIDATION_LAYER)

# GRADSMITH_CACHE: nothing is kept from run to run, so that results do not depend on what ran before.
set(test_environment "GRADSMITH_SOURCE_DIR=${PROJECT_SOURCE_DIR}" "GRADSMITH_BUILD_DIR=${PROJECT_BINARY_DIR}"
  "GRADSMITH_BUILD_TYPE=${CMAKE_BUILD_TYPE}" "GRADSMITH_SANITIZE=${GRADSMITH_SANITIZE}"
  "GRADSMITH_VERSION=${PROJECT_VERSION}" "CC=${CMAKE_C_COMPILER}"
  "GRADSMITH_CACHE=off")
if(TARGET gradsmith_program)
  list(APPEND test_environment "GRADSMITH_PROGRAM=$<TARGET_FILE:gradsmith_program>")
endif()
if(GRADSMITH_SANITIZE)
  list(APPEND test_environment "LSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/sanitize/lsan.supp:print_suppressions=0"
    "UBSAN_OPTIONS=print_stacktrace=1"
    # lavapipe frees on one thread what it allocated on another: quarantines of the usual size grow to many GB.
    "ASAN_OPTIONS=quarantine_size_mb=8:thread_local_quarantine_size_kb=64")
endif()
set(device_environment "")
if(GRADSMITH_VALIDATION_LAYER)
  list(APPEND device_environment GRADSMITH_VALIDATE=1)
else()
  message(WARNING "The Vulkan validation layer was not found: tests run without it (vulkan-validationlayers)")
endif()
if(GRADSMITH_LAVAPIPE_ICD)
  set(lavapipe "VK_DRIVER_FILES=${GRADSMITH_LAVAPIPE_ICD}" "VK_ICD_FILENAMES=${GRADSMITH_LAVAPIPE_ICD}")
else()
  message(WARNING "lavapipe was not found: tests run on this machine's Vulkan device, if any (mesa-vulkan-drivers)")
  set(lavapipe "")
endif()
set(test_timeout 600)
if(GRADSMITH_SANITIZE)
  set(test_timeout 900)
endif()

# gradsmith_test(NAME LABEL COMMAND... [ENVIRONMENT...])
function(gradsmith_test name label)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "COMMAND;ENVIRONMENT")
  add_test(NAME "${name}" COMMAND ${arg_COMMAND})
  set(environment ${test_environment} ${arg_ENVIRONMENT})
  set_tests_properties("${name}" PROPERTIES LABELS "${label}" ENVIRONMENT "${environment}" SKIP_RETURN_CODE 77
    TIMEOUT ${test_timeout})
endfunction()

# --- folders of C tests ------------------------------------------------------------------------------------------
add_library(gradsmith_test_settings INTERFACE)
target_link_libraries(gradsmith_test_settings INTERFACE gradsmith_settings PkgConfig::CMOCKA m)
target_include_directories(gradsmith_test_settings INTERFACE tests)
target_sources(gradsmith_test_settings INTERFACE ${sanitizer_sources})

foreach(folder unit gpu op train fault api cli radv)
  gradsmith_glob(tests "tests/${folder}/test_*.c")
  gradsmith_glob(helpers "tests/${folder}/*.c")
  list(FILTER helpers EXCLUDE REGEX "/test_[^/]*$")
  gradsmith_glob(kernels "tests/${folder}/*.comp")
  foreach(kernel IN LISTS kernels)
    gradsmith_embed_shader(embedded "${PROJECT_SOURCE_DIR}/${kernel}")
    list(APPEND helpers "${embedded}")
  endforeach()
  if(folder MATCHES "^(api|cli)$")
    set(library gradsmith_shared)
  else()
    set(library gradsmith_objects)
  endif()
  if(folder STREQUAL "unit")
    set(label cpu)
    set(environment "")
  elseif(folder STREQUAL "radv")
    set(label radv)
    set(environment "")
  else()
    set(label gpu)
    set(environment ${device_environment})
  endif()
  if(tests AND helpers)
    add_library(test_${folder}_helpers STATIC ${helpers})
    target_link_libraries(test_${folder}_helpers PUBLIC ${library} gradsmith_test_settings)
    set(library test_${folder}_helpers)
  endif()
  foreach(source IN LISTS tests)
    cmake_path(GET source STEM stem)
    string(REGEX REPLACE "^test_" "" name "${stem}")
    add_executable(test_${folder}_${name} ${source})
    target_link_libraries(test_${folder}_${name} PRIVATE ${library} gradsmith_test_settings)
    set_target_properties(test_${folder}_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY tests/${folder}
      OUTPUT_NAME ${stem})
    if(folder STREQUAL "fault") # test_allocation.c
      target_link_options(test_${folder}_${name} PRIVATE LINKER:--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup)
    endif()
    if(folder STREQUAL "cli" AND TARGET gradsmith_program)
      add_dependencies(test_${folder}_${name} gradsmith_program)
    endif()
    gradsmith_test(${folder}/${name} ${label} COMMAND test_${folder}_${name} ENVIRONMENT ${environment} ${lavapipe})
    # Not tune: which candidate is kept does not depend on the driver, and all of them are compiled.
    if(folder MATCHES "^(op|gpu)$" AND NOT name STREQUAL "tune")
      if(GRADSMITH_SWIFTSHADER_ICD)
        gradsmith_test(swiftshader/${name} swiftshader COMMAND test_${folder}_${name} ENVIRONMENT ${environment}
          "VK_DRIVER_FILES=${GRADSMITH_SWIFTSHADER_ICD}" "VK_ICD_FILENAMES=${GRADSMITH_SWIFTSHADER_ICD}")
      else()
        gradsmith_test(swiftshader/${name} swiftshader COMMAND sh -c
          "echo 'skipped: vk_swiftshader_icd.json was not found (Debian package chromium)'; exit 77")
      endif()
    endif()
  endforeach()
endforeach()

# --- a Vulkan layer that lets calls fail ---------------------------------------------------------------------------
add_library(gradsmith_fault_layer MODULE tests/fault/layer/layer.c)
target_link_libraries(gradsmith_fault_layer PRIVATE gradsmith_settings)
set_target_properties(gradsmith_fault_layer PROPERTIES LIBRARY_OUTPUT_DIRECTORY tests/fault/layer C_VISIBILITY_PRESET default)
set(layer_path "./libgradsmith_fault_layer.so")
configure_file(tests/fault/layer/layer.json.in tests/fault/layer/VkLayer_gradsmith_faults.json @ONLY)
list(APPEND test_environment "GRADSMITH_FAULT_LAYER=${PROJECT_BINARY_DIR}/tests/fault/layer")

# --- scripts and examples ----------------------------------------------------------------------------------------
gradsmith_glob(scripts "tests/*/test_*.sh")
if(NOT GRADSMITH_EXAMPLES)
  list(FILTER scripts EXCLUDE REGEX "^tests/example/")
endif()
foreach(source IN LISTS scripts)
  string(REGEX MATCH "^tests/([^/]*)/test_(.*)\\.sh$" matched "${source}")
  set(folder ${CMAKE_MATCH_1})
  set(name ${CMAKE_MATCH_2})
  set(label cpu)
  set(environment "")
  if(folder MATCHES "^(gpu|op|train|fault|cli|docs|example)$")
    set(label gpu)
    set(environment ${device_environment} ${lavapipe})
  elseif(folder STREQUAL "radv")
    set(label radv)
  endif()
  gradsmith_test(${folder}/${name} ${label} COMMAND bash "${PROJECT_SOURCE_DIR}/${source}" ENVIRONMENT ${environment})
endforeach()

if(GRADSMITH_EXAMPLES)
  foreach(source IN LISTS example_sources)
    cmake_path(GET source STEM name)
    if("tests/example/test_${name}.sh" IN_LIST scripts)
      continue()
    endif()
    gradsmith_test(example/${name} gpu COMMAND example_${name} ENVIRONMENT ${device_environment} ${lavapipe})
    set_tests_properties(example/${name} PROPERTIES WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}") # assets/data
  endforeach()
endif()
