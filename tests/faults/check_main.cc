// laptime_check_faults DATABASE WITNESS: holds a coordinator's database against a witness file
// (invariants.h) and prints {"lost": 0, "doubled": 0, "complaints": […]}.

#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "tests/faults/invariants.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: laptime_check_faults DATABASE WITNESS\n";
    return 2;
  }
  std::ifstream lines(argv[2]);
  const auto witness = laptime::faults::ReadWitness(lines);
  if (!witness.ok()) {
    std::cerr << witness.status().message() << "\n";
    return 2;
  }
  const laptime::faults::Findings findings = laptime::faults::CheckInvariants(argv[1], *witness);
  std::cout << nlohmann::json({{"lost", findings.lost},
                               {"doubled", findings.doubled},
                               {"complaints", findings.complaints}})
                   .dump()
            << std::endl;
  return 0;
}
