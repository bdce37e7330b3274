#include "datasets_h5/import_report.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <ostream>

#include "datasets_h5/paper.h"

namespace reprise::datasets {
namespace {

void print_side(std::ostream& out, const char* name, int subjects, int slices, int paper_subjects,
                int paper_slices) {
  out << "  " << name << ": " << subjects << " subjects, " << slices << " slices";
  if (paper_subjects > 0) {
    const bool same = subjects == paper_subjects && slices == paper_slices;
    out << " (the paper: " << paper_subjects << ", " << paper_slices << (same ? ": equal)" : ")");
  }
  out << "\n";
}

}  // namespace

std::function<void(int done, int total)> progress_bar(const std::string& what) {
  if (::isatty(STDERR_FILENO) == 0) return [](int, int) {};
  const auto start = std::chrono::steady_clock::now();
  return [what, start](int done, int total) {
    constexpr int kWidth = 30;
    const int filled = kWidth * done / total;
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const int left = static_cast<int>(seconds / done * (total - done));
    (void)std::fprintf(stderr, "\r%s [%s%s] %d of %d, %d s left   ", what.c_str(),
                       std::string(static_cast<std::size_t>(filled), '#').c_str(),
                       std::string(static_cast<std::size_t>(kWidth - filled), '.').c_str(), done,
                       total, left);
    if (done == total) (void)std::fprintf(stderr, "\n");
  };
}

void print_report(std::ostream& out, const std::string& file, const ImportReport& report) {
  const PaperCounts paper = paper_counts(report.importer);
  out << "wrote " << file << "\n  split: " << report.split_origin;
  if (report.left_out > 0) out << "; " << report.left_out << " volumes are in neither side";
  if (report.missing > 0) out << "; " << report.missing << " subjects of it are not in the data";
  out << "\n";
  print_side(out, "train", report.train_subjects, report.train_slices, paper.train_subjects,
             paper.train_slices);
  print_side(out, "test", report.test_subjects, report.test_slices, paper.test_subjects,
             paper.test_slices);
  out << "  slices: " << report.channels << " x " << report.height << " x " << report.width << "\n";
  if (report.orientations.size() > 1) {
    out << "  stored orders differ and were kept:";
    for (const auto& [code, count] : report.orientations) {
      out << " " << (code.empty() ? "unknown" : code) << " " << count;
    }
    out << "\n";
  }
  out << "  digest: " << report.digest << "\n";
}

}  // namespace reprise::datasets
