# CMake for macOS arm64 on a Linux machine. The packages that it finds are this machine's: their headers serve to
# compile, their libraries to nothing.
set(CMAKE_SYSTEM_NAME Darwin)
set(CMAKE_SYSTEM_PROCESSOR arm64)
set(CMAKE_CXX_COMPILER "${CMAKE_CURRENT_LIST_DIR}/cxx")
set(CMAKE_AR "${CMAKE_CURRENT_LIST_DIR}/ar" CACHE FILEPATH "")
set(CMAKE_RANLIB /bin/true CACHE FILEPATH "")
set(CMAKE_INSTALL_NAME_TOOL /bin/true CACHE FILEPATH "")
set(CMAKE_OSX_SYSROOT "" CACHE STRING "")
# Where Debian keeps its packages' CMake files.
file(GLOB architecture RELATIVE /usr/lib /usr/lib/*-linux-gnu)
list(GET architecture 0 CMAKE_LIBRARY_ARCHITECTURE)
