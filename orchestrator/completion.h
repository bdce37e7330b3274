#pragma once
/// A completion handler of Asio whose type is forgotten: the operations below it are compiled once,
/// and not anew for everything that waits for them. (Boost 1.82 and later have
/// asio::any_completion_handler for it.)

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <memory>
#include <utility>

namespace reprise {

/// Called once, with `Arguments`, on the executor that the handler asked for. Movable, not
/// copyable. The handler's own allocator is not used.
template <typename... Arguments>
class Completion {
 public:
  using executor_type = boost::asio::any_io_executor;
  using cancellation_slot_type = boost::asio::cancellation_slot;

  /// `fallback`: where a handler without an executor of its own is called.
  template <typename Handler>
  Completion(Handler handler, const executor_type& fallback)
      : executor_(boost::asio::get_associated_executor(handler, fallback)),
        slot_(boost::asio::get_associated_cancellation_slot(handler)),
        handler_(std::make_unique<Of<Handler>>(std::move(handler))) {}

  void operator()(Arguments... arguments) {
    // The handler may end the operation that holds this.
    const auto handler = std::move(handler_);
    handler->call(std::move(arguments)...);
  }
  [[nodiscard]] executor_type get_executor() const noexcept { return executor_; }
  [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept { return slot_; }

 private:
  struct Any {
    virtual ~Any() = default;
    virtual void call(Arguments... arguments) = 0;
  };
  template <typename Handler>
  struct Of final : Any {
    explicit Of(Handler own) : handler(std::move(own)) {}
    void call(Arguments... arguments) override {
      Handler last(std::move(handler));
      std::move(last)(std::move(arguments)...);
    }
    Handler handler;
  };

  executor_type executor_;
  cancellation_slot_type slot_;
  std::unique_ptr<Any> handler_;
};

}  // namespace reprise
